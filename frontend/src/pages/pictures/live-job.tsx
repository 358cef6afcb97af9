import { Trans, useLingui } from "@lingui/react/macro";
import { hasEnded } from "@ml-proxy/client";
import { useCancelJob, useJob } from "@ml-proxy/client/react";
import { Check, CircleDashed, LoaderCircle, X } from "lucide-react";
import { useEffect } from "react";
import { JobProgress } from "@/components/job-progress";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import type { Photo, Result } from "./api";
import { Comparison, Made } from "./made";
import { noDesk, type Stage, type StageState, stageStates } from "./stages";
import { NoDesk } from "./verdict";

type Props = { location: string; photo: Photo | null; onEnd: () => void };

/** One job: its stages as they happen, then the new picture beside the old. */
export function LiveJob({ location, photo, onEnd }: Props) {
  const { t } = useLingui();
  const { data: job, error } = useJob(location);
  const cancel = useCancelJob();
  const isOver = Boolean(job && hasEnded(job));
  const probability = job ? noDesk(job) : null;
  const result = job?.result as Result | null | undefined;

  useEffect(() => {
    if (isOver) onEnd();
  }, [isOver, onEnd]);

  return (
    <Card aria-label={t`This picture`}>
      <CardTitle>
        <Trans>This picture</Trans>
      </CardTitle>
      {error && <ProblemAlert error={error} />}
      {!job && !error && <Skeleton className="h-40" />}
      {job && (
        <>
          <JobProgress
            state={job.state}
            percent={job.progress.percent}
            message={probability === null ? job.error : undefined}
          />
          {job.state !== "succeeded" && <Stages states={stageStates(job)} />}
          {!isOver && (
            <Button
              variant="danger"
              size="sm"
              className="mt-3"
              disabled={cancel.isPending || cancel.isSuccess}
              onClick={() => cancel.mutate(location)}
            >
              {cancel.isSuccess ? <Trans>Is being cancelled</Trans> : <Trans>Cancel</Trans>}
            </Button>
          )}
          {cancel.error && !isOver && <ProblemAlert error={cancel.error} className="mt-3" />}
          {probability !== null && <NoDesk probability={probability} />}
          {job.state !== "cancelled" && job.state !== "failed" && (
            <Comparison
              before={photo?.shown ?? result?.initial_image_url ?? photo?.url ?? null}
              after={result?.processed_image_url ?? null}
              isMaking={!isOver}
            />
          )}
          {result && <Made result={result} />}
        </>
      )}
    </Card>
  );
}

const ICONS = { waiting: CircleDashed, active: LoaderCircle, done: Check, failed: X, stopped: X };
const LOOKS: Record<StageState, string> = {
  waiting: "text-muted-foreground",
  active: "font-medium text-primary",
  done: "text-good",
  failed: "font-medium text-bad",
  stopped: "text-muted-foreground",
};

function Stages({ states }: { states: [Stage, StageState][] }) {
  const { t } = useLingui();
  const names: Record<Stage, string> = {
    fetch: t`Get the photo`,
    classify: t`Is it a desk?`,
    describe: t`Describe it`,
    draw: t`Draw it anew`,
    store: t`Save the picture`,
    products: t`Find products`,
  };
  const words: Record<StageState, string> = {
    waiting: t`waits`,
    active: t`happens now`,
    done: t`done`,
    failed: t`failed`,
    stopped: t`stopped`,
  };
  return (
    <ol data-testid="stages" className="grid gap-x-4 gap-y-1.5 sm:grid-cols-2 xl:grid-cols-3">
      {states.map(([stage, state]) => {
        const Icon = ICONS[state];
        return (
          <li
            key={stage}
            data-stage={stage}
            data-state={state}
            aria-current={state === "active" ? "step" : undefined}
            className={`flex items-center gap-2 ${LOOKS[state]}`}
          >
            <Icon aria-hidden className={`size-5 shrink-0 ${state === "active" ? "animate-spin" : ""}`} />
            {names[stage]}
            <span className="sr-only">: {words[state]}</span>
          </li>
        );
      })}
    </ol>
  );
}
