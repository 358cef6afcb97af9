import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { type Part, type Readiness, readinessQuery } from "@/api/readiness";
import { usePartNames } from "@/components/part-names";
import { Badge, type Tone } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { milliseconds } from "@/lib/format";

const UP_TO_DATE = "up to date"; // the log’s detail that says no more than that it works
const TONES: Record<Readiness["status"], Tone> = {
  ready: "good",
  degraded: "warn",
  "not ready": "bad",
  unreachable: "bad",
};

/** Each part's health, as `/readyz` says it. */
export function PartsCard() {
  const { t } = useLingui();
  const { data, refetch, isFetching } = useQuery(readinessQuery);
  const words: Record<Readiness["status"], string> = {
    ready: t`Everything works`,
    degraded: t`Predictions work, a part is down`,
    "not ready": t`Predictions don’t work`,
    unreachable: t`No answer from the gateway`,
  };
  return (
    <Card aria-label={t`Parts`}>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <CardTitle className="mb-0!">
          <Trans>Parts</Trans>
        </CardTitle>
        <span className="flex flex-wrap items-center gap-3">
          {data && <Badge tone={TONES[data.status]}>{words[data.status]}</Badge>}
          <Button size="sm" disabled={isFetching} onClick={() => void refetch()}>
            <Trans>Check now</Trans>
          </Button>
        </span>
      </div>
      {!data && <Skeleton className="h-60" />}
      {data && !data.parts && data.status !== "unreachable" && (
        <p className="text-muted-foreground">
          <Trans>
            Your roles do not show the parts. Ask an administrator for the role <code>operator</code>.
          </Trans>
        </p>
      )}
      <ul>
        {Object.entries(data?.parts ?? {}).map(([name, part]) => (
          <PartRow key={name} name={name} part={part} />
        ))}
      </ul>
    </Card>
  );
}

function PartRow({ name, part: { ok, ms, detail } }: { name: string; part: Part }) {
  const { t, i18n } = useLingui();
  const title = usePartNames()[name] ?? name;
  const uses: Record<string, string> = {
    model: t`Answers predictions.`,
    journal: t`Takes each record before its answer goes out.`,
    publisher: t`Sends records from the journal to the workers.`,
    log: t`Records become rows in time.`,
    database: t`Holds rows, accounts and jobs.`,
    redis: t`Carries records and jobs to the workers.`,
    beat: t`Starts the regular tasks.`,
  };
  return (
    <li data-part={name} data-ok={ok} className="border-b py-2.5 last:border-b-0">
      <div className="flex items-start justify-between gap-3">
        <p className="min-w-0">
          <span className="font-medium">{title}</span>{" "}
          <span className="text-sm text-muted-foreground">{uses[name]}</span>
        </p>
        <span className="flex shrink-0 items-center gap-2">
          {ok && ms !== undefined && (
            <span className="text-sm text-muted-foreground tabular-nums">{milliseconds(ms, i18n.locale)}</span>
          )}
          <Badge tone={ok ? "good" : "bad"}>{ok ? t`Works` : t`Down`}</Badge>
        </span>
      </div>
      {detail && (!ok || (name === "log" && detail !== UP_TO_DATE)) && (
        <p className={`mt-1 text-sm wrap-anywhere ${ok ? "text-muted-foreground" : "text-bad"}`}>{detail}</p>
      )}
    </li>
  );
}
