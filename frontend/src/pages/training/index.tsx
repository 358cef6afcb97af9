import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { may, meQuery } from "@/api/session";
import { PageHeader } from "@/components/page-header";
import { ProblemAlert } from "@/components/problem-alert";
import { Skeleton } from "@/components/ui/skeleton";
import { JOBS, type Run, runsQuery } from "./api";
import { LiveRun } from "./live-run";
import { RunsCard } from "./runs";
import { StartCard } from "./start";
import { VersionsCard } from "./versions";

export function Page() {
  const { t } = useLingui();
  const queries = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const { data: runs, error, refetch } = useQuery(runsQuery);
  const [watched, setWatched] = useState<string | null>(null);
  const active = runs?.find(isActive);

  useEffect(() => {
    if (active) setWatched((known) => known ?? `${JOBS}${active.id}/`);
  }, [active]);

  return (
    <>
      <PageHeader
        title={t`Training`}
        description={<Trans>Train a new version, see what it learned, and decide which version serves.</Trans>}
      />
      <div className="grid gap-4 lg:grid-cols-2">
        {may(me, "jobs.add_job") && <StartCard isBusy={Boolean(active)} onStart={setWatched} />}
        {watched && (
          <LiveRun
            key={watched}
            location={watched}
            onEnd={() => queries.invalidateQueries({ queryKey: ["training"] })}
          />
        )}
        {error ? (
          <ProblemAlert error={error} onRetry={refetch} className="lg:col-span-2" />
        ) : runs ? (
          <RunsCard runs={runs} />
        ) : (
          <Skeleton className="h-60 lg:col-span-2" />
        )}
        <VersionsCard />
      </div>
    </>
  );
}

function isActive({ state }: Run): boolean {
  return state === "queued" || state === "running";
}
