import { Trans, useLingui } from "@lingui/react/macro";
import { useCancelJob, useJob } from "@ml-proxy/client/react";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { may, meQuery } from "@/api/session";
import { JobProgress } from "@/components/job-progress";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import type { Run } from "./api";
import { RunResult } from "./result";

type Props = { location: string; onEnd: () => void };

/** One training, live until it has ended; then what it made. */
export function LiveRun({ location, onEnd }: Props) {
  const { t } = useLingui();
  const { data: me } = useQuery(meQuery);
  const { data, error } = useJob(location);
  const cancel = useCancelJob();
  const run = data as Run | undefined;
  const isActive = run?.state === "queued" || run?.state === "running";
  const hasEnded = Boolean(run && !isActive);

  useEffect(() => {
    if (hasEnded) onEnd();
  }, [hasEnded, onEnd]);

  return (
    <Card aria-label={t`This training`}>
      <CardTitle>
        <Trans>This training</Trans>
      </CardTitle>
      {error && <ProblemAlert error={error} />}
      {!run && !error && <Skeleton className="h-24" />}
      {run && (
        <>
          <JobProgress
            state={run.state}
            percent={run.progress.percent}
            message={isActive ? run.progress.message : run.error}
          />
          {isActive && may(me, "jobs.change_job") && (
            <Button
              variant="danger"
              size="sm"
              className="mt-2"
              disabled={cancel.isPending || cancel.isSuccess}
              onClick={() => cancel.mutate(location)}
            >
              {cancel.isSuccess ? <Trans>Is being cancelled</Trans> : <Trans>Cancel training</Trans>}
            </Button>
          )}
          {cancel.error && <ProblemAlert error={cancel.error} className="mt-3" />}
          {run.result && <RunResult result={run.result} />}
        </>
      )}
    </Card>
  );
}
