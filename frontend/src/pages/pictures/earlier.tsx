import { Trans, useLingui } from "@lingui/react/macro";
import type { Job } from "@ml-proxy/client";
import { JobStateBadge } from "@/components/job-progress";
import { Moment } from "@/components/moment";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";

type Props = { jobs: Job[] | undefined; onOpen: (id: string) => void };

/** One's own jobs before, each of which can be opened again. */
export function Earlier({ jobs, onOpen }: Props) {
  const { t } = useLingui();
  if (!jobs) return <Skeleton className="h-40" />;
  return (
    <Card aria-label={t`Earlier pictures`}>
      <CardTitle>
        <Trans>Earlier pictures</Trans>
      </CardTitle>
      {jobs.length === 0 && (
        <p className="text-muted-foreground">
          <Trans>None yet. Choose a photo, or load an example.</Trans>
        </p>
      )}
      <ul>
        {jobs.map(({ id, state, created_at: time }) => (
          <li key={id} className="flex items-center justify-between gap-3 border-b py-2 last:border-b-0">
            <Moment time={time} />
            <span className="flex items-center gap-3">
              <JobStateBadge state={state} />
              <Button size="sm" onClick={() => onOpen(id)}>
                <Trans>Open</Trans>
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
