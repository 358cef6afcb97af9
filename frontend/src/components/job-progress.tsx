import { useLingui } from "@lingui/react/macro";
import { Badge, type Tone } from "@/components/ui/badge";
import { Progress } from "@/components/ui/progress";

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";
type Props = { state: JobState; percent: number; message?: string | null };

const TONE: Record<JobState, Tone> = {
  queued: "neutral",
  running: "warn",
  succeeded: "good",
  failed: "bad",
  cancelled: "neutral",
};

export function JobStateBadge({ state }: { state: JobState }) {
  const { t } = useLingui();
  const words: Record<JobState, string> = {
    queued: t`Queued`,
    running: t`Running`,
    succeeded: t`Succeeded`,
    failed: t`Failed`,
    cancelled: t`Cancelled`,
  };
  return <Badge tone={TONE[state]}>{words[state]}</Badge>;
}

/** A job's state, how far it is, and what it does; screen readers hear each new message. */
export function JobProgress({ state, percent, message }: Props) {
  const { t } = useLingui();
  const isActive = state === "queued" || state === "running";
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-center justify-between gap-3">
        <JobStateBadge state={state} />
        {isActive && <span className="tabular-nums">{Math.round(percent)} %</span>}
      </div>
      {isActive && <Progress percent={percent} label={t`Progress`} />}
      <p role="status" className="min-h-6 text-sm text-muted-foreground wrap-anywhere">
        {message}
      </p>
    </div>
  );
}
