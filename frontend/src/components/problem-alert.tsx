import { Trans, useLingui } from "@lingui/react/macro";
import { ProblemError } from "@ml-proxy/client";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";

type Props = { error: unknown; onRetry?: () => void; className?: string };

/** Shows why a call failed, each field that was wrong, and the request's id for the log. */
export function ProblemAlert({ error, onRetry, className }: Props) {
  const title = useProblemTitle(error);
  const problem = error instanceof ProblemError ? error.problem : null;
  return (
    <div role="alert" className={cn("rounded-md border-l-4 border-bad bg-bad-ground p-4 wrap-anywhere", className)}>
      <p className="font-semibold text-bad">{title}</p>
      {problem?.detail && <p className="mt-1">{problem.detail}</p>}
      {problem?.errors && problem.errors.length > 0 && (
        <ul className="mt-1 list-disc pl-5">
          {problem.errors.map(({ pointer, detail }) => (
            <li key={pointer + detail}>
              {pointer && <code className="text-sm">{pointer}</code>} {detail}
            </li>
          ))}
        </ul>
      )}
      {problem?.request_id && (
        <p className="mt-2 text-sm text-muted-foreground">
          <Trans>
            Request <code>{problem.request_id}</code>
          </Trans>
        </p>
      )}
      {onRetry && (
        <Button size="sm" className="mt-3" onClick={onRetry}>
          <Trans>Try again</Trans>
        </Button>
      )}
    </div>
  );
}

/** A title in the reader's language for what happens often; else the problem's own. */
function useProblemTitle(error: unknown): string {
  const { t } = useLingui();
  if (error instanceof TypeError) return t`The gateway can’t be reached`; // what `fetch` throws
  if (!(error instanceof ProblemError)) return t`Something went wrong on this page`;
  const titles: Record<number, string> = {
    401: t`You are not signed in`,
    403: t`You may not do this`,
    404: t`There is no such thing here`,
    409: t`Something else is in progress`,
    413: t`This is too large`,
    429: t`Too many requests; wait a moment`,
    502: t`The model did not give a usable answer`,
    503: t`A part of the system is down`,
    504: t`The answer took too long`,
  };
  return titles[error.status] ?? error.problem.title;
}
