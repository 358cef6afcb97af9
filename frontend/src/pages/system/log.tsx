import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Facts } from "@/components/inference/facts";
import { type JobState, JobStateBadge } from "@/components/job-progress";
import { ProblemAlert } from "@/components/problem-alert";
import { Badge } from "@/components/ui/badge";
import { Card, CardTitle } from "@/components/ui/card";
import { Progress } from "@/components/ui/progress";
import { Skeleton } from "@/components/ui/skeleton";
import { type Gauges, gaugesQuery } from "./metrics";

/** The backlog of the log, and its account: each record that was taken is in exactly one set. */
export function LogCard() {
  const { t } = useLingui();
  const { data, error, refetch } = useQuery(gaugesQuery);
  return (
    <Card aria-label={t`The log`} data-testid="log">
      <CardTitle>
        <Trans>The log</Trans>
      </CardTitle>
      {error ? (
        <ProblemAlert error={error} onRetry={refetch} />
      ) : data ? (
        <>
          <Backlog gauges={data} />
          <Account sets={data.log_numbers} />
          <Proof />
        </>
      ) : (
        <Skeleton className="h-60" />
      )}
    </Card>
  );
}

function Backlog({ gauges }: { gauges: Gauges }) {
  const { t, i18n } = useLingui();
  const at = (name: string) => gauges[name]?.[""];
  const [used, most, free] = [at("journal_bytes"), at("journal_max_bytes"), at("journal_disk_free_bytes")];
  const oldest = at("oldest_waiting_seconds") ?? 0;
  const isLate = oldest > (at("log_late_seconds") ?? Number.POSITIVE_INFINITY);
  const waiting = bytes(at("waiting_bytes"), i18n.locale);
  const seconds = Math.round(oldest).toLocaleString(i18n.locale);
  if (used === undefined) return <p className="text-bad">{t`The journal could not be measured.`}</p>;
  const shown = [bytes(used, i18n.locale), bytes(most, i18n.locale)];
  return (
    <>
      <Facts
        facts={[
          [t`Waiting for a row`, waiting],
          [
            t`The oldest waits for`,
            <span key="oldest" className={isLate ? "font-medium text-bad" : ""}>
              {isLate ? t`${seconds} s, too long` : t`${seconds} s`}
            </span>,
          ],
          [t`Journal`, t`${shown[0]} of ${shown[1]}`],
          [t`Free on its disk`, bytes(free, i18n.locale)],
        ]}
      />
      {most !== undefined && (
        <Progress percent={(100 * used) / most} label={t`How full the journal is`} className="mt-3" />
      )}
    </>
  );
}

function Account({ sets }: { sets: Record<string, number> | undefined }) {
  const { t, i18n } = useLingui();
  if (!sets) {
    return (
      <p className="mt-4 text-bad">
        <Trans>The account can’t be made now: the database or the journal does not answer.</Trans>
      </p>
    );
  }
  const names: Record<string, string> = {
    written: t`Rows in the database`,
    waiting: t`Waiting in the journal`,
    quarantined: t`In quarantine`,
    erased: t`Erased on request`,
    repeated: t`Repeated`,
    missing: t`Missing`,
  };
  const { answered = 0, ...parts } = sets;
  const missing = parts.missing ?? 0;
  const total = answered.toLocaleString(i18n.locale);
  const lost = missing.toLocaleString(i18n.locale);
  return (
    <div className="mt-4" data-testid="account" data-answered={answered} data-missing={missing}>
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <h3 className="font-semibold">
          <Trans>Records taken: {total}</Trans>
        </h3>
        <Badge tone={missing ? "bad" : "good"}>{missing ? t`${lost} missing` : t`None is missing`}</Badge>
      </div>
      <Counts
        caption={t`Where each record is`}
        counts={Object.entries(parts).map(([name, count]) => [name, names[name] ?? name, count])}
      />
    </div>
  );
}

function Proof() {
  return (
    <p className="mt-4 text-sm text-muted-foreground">
      <Trans>
        This account is counted. The proof walks the whole log and checks each seal, so it also finds changed and
        foreign rows. Run it on the gateway’s machine: <code>manage.py verify_log</code>
      </Trans>
    </p>
  );
}

/** Jobs and webhooks by their states. */
export function JobsCard() {
  const { t, i18n } = useLingui();
  const { data } = useQuery(gaugesQuery);
  const { jobs, webhooks, oldest_job_seconds: oldest } = data ?? {};
  if (!data) return <Skeleton className="h-40" />;
  const queued = Math.round(oldest?.queued ?? 0).toLocaleString(i18n.locale);
  return (
    <Card aria-label={t`Jobs`} data-testid="jobs">
      <CardTitle>
        <Trans>Jobs</Trans>
      </CardTitle>
      {jobs ? (
        <>
          <Counts
            caption={t`Jobs by state`}
            counts={Object.entries(jobs).map(([state, count]) => [
              state,
              <JobStateBadge key={state} state={state as JobState} />,
              count,
            ])}
          />
          {Boolean(oldest?.queued) && (
            <p className="mt-2 text-warn">
              <Trans>A job has waited for {queued} s. Is worker-jobs running, or busy? Flower shows it.</Trans>
            </p>
          )}
          {webhooks && <Webhooks counts={webhooks} />}
        </>
      ) : (
        <p className="text-bad">
          <Trans>Jobs can’t be counted now: the database does not answer.</Trans>
        </p>
      )}
    </Card>
  );
}

function Webhooks({ counts }: { counts: Record<string, number> }) {
  const { i18n } = useLingui();
  const told = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${state} ${count.toLocaleString(i18n.locale)}`)
    .join(", ");
  return (
    <p className="mt-3 text-sm text-muted-foreground">
      {told ? <Trans>Webhooks of ended jobs: {told}</Trans> : <Trans>No webhook was sent.</Trans>}
    </p>
  );
}

function Counts({ caption, counts }: { caption: string; counts: [string, ReactNode, number][] }) {
  const { i18n } = useLingui();
  return (
    <table className="w-full text-sm">
      <caption className="sr-only">{caption}</caption>
      <tbody>
        {counts.map(([name, shown, count]) => (
          <tr key={name} className="border-b last:border-b-0">
            <th scope="row" className="py-1.5 text-left font-normal">
              {shown}
            </th>
            <td className="py-1.5 text-right tabular-nums">{count.toLocaleString(i18n.locale)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

function bytes(value: number | undefined, locale: string): string {
  if (value === undefined) return "–";
  const power = Math.min(UNITS.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toLocaleString(locale, { maximumFractionDigits: power && 1 })} ${UNITS[power]}`;
}
