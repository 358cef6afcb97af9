import { Trans, useLingui } from "@lingui/react/macro";
import { ProblemError } from "@ml-proxy/client";
import { CircleHelp } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import type { Example, Help } from "./api";
import { TextButton } from "./text-button";

type Props = {
  kind: Help;
  error: unknown;
  examples: Example[];
  onAsk: (question: string) => void;
  onWrite: () => void;
};

/** What to do about a question that found no SQL: it asks back. */
export function HelpCard({ kind, error, examples, onAsk, onWrite }: Props) {
  const { t } = useLingui();
  const titles: Record<Help, string> = {
    "model-needed": t`I do not know this question yet`,
    "cannot-answer": t`What is missing?`,
    "not-answered": t`Can you ask in other words?`,
  };
  const title = titles[kind];
  return (
    <Card aria-label={title} role="status" data-testid="help">
      <CardTitle className="flex items-center gap-2">
        <CircleHelp aria-hidden className="size-5 shrink-0 text-primary" />
        {title}
      </CardTitle>
      {kind === "model-needed" ? (
        <p className="max-w-prose">
          <Trans>
            No verified example equals it, and no language model is connected to write SQL. Did you mean one of these?
            You can also write the SQL yourself, and keep it as an example for the next time.
          </Trans>
        </p>
      ) : (
        <p className="max-w-prose wrap-anywhere" dir="auto">
          {error instanceof ProblemError && error.problem.detail}
        </p>
      )}
      {examples.length > 0 && (
        <ul className="mt-3 flex flex-col gap-1">
          {examples.map((example) => (
            <li key={example.id}>
              <TextButton onClick={() => onAsk(example.question)}>{example.question}</TextButton>
            </li>
          ))}
        </ul>
      )}
      <Button className="mt-3" onClick={onWrite}>
        <Trans>Write the SQL yourself</Trans>
      </Button>
    </Card>
  );
}
