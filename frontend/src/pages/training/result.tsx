import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { useModelText } from "@/components/inference/model-texts";
import { Badge } from "@/components/ui/badge";
import type { Feedback, Outcome, Result } from "./api";

/** Which version a training made, whether it serves, why or why not, and what it learned and unlearned. */
export function RunResult({ result }: { result: Result }) {
  const { model, promoted, reason, objections = [], feedback, examples } = result;
  return (
    <div className="flex flex-col gap-3">
      <p className="flex flex-wrap items-center gap-2">
        <strong>{model ? `${model.name} ${model.version}` : <Trans>A new version</Trans>}</strong>
        {promoted ? (
          <Badge tone="good">
            <Trans>in service</Trans>
          </Badge>
        ) : (
          <Badge tone="warn">
            <Trans>waits for a person</Trans>
          </Badge>
        )}
      </p>
      {objections.length > 0 ? (
        <ul className="list-disc pl-5">
          {objections.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      ) : (
        reason && <p className="text-sm text-muted-foreground">{reason}</p>
      )}
      {examples && !feedback && (
        <p>
          <Trans>
            Of {examples.used} verdicts it predicts {examples.learned ?? 0} as doctors judged; {examples.left_out} were
            left out.
          </Trans>
        </p>
      )}
      {feedback && <FeedbackOutcome feedback={feedback} />}
    </div>
  );
}

function FeedbackOutcome({ feedback }: { feedback: Feedback }) {
  const { t } = useLingui();
  const textOf = useModelText();
  const { kept, learned, unlearned, not_learned } = feedback.counts;
  const lists: [Outcome, string, number][] = [
    ["learned", t`Learned`, learned],
    ["unlearned", t`Unlearned`, unlearned],
    ["not_learned", t`Not learned`, not_learned],
  ];
  return (
    <section aria-label={t`What it made of doctors’ verdicts`}>
      <dl className="grid grid-cols-2 gap-2 sm:grid-cols-4">
        {[...lists.map(([, name, count]) => [name, count] as const), [t`Knew already`, kept] as const].map(
          ([name, count]) => (
            <div key={name} className="rounded-md bg-muted p-2">
              <dt className="text-sm text-muted-foreground">{name}</dt>
              <dd className="text-xl font-semibold tabular-nums">{count}</dd>
            </div>
          ),
        )}
      </dl>
      {lists.map(([name, title]) => {
        const taught = (feedback[name] ?? []).map(({ inference_id, label, predicted }) => ({
          inference_id,
          label: textOf(label),
          predicted: predicted && textOf(predicted),
        }));
        return (
          taught.length > 0 && (
            <details key={name} open={name === "unlearned"} className="mt-2">
              <summary className="w-fit font-medium">{title}</summary>
              <ul className="mt-1 list-disc pl-5">
                {taught.map(({ inference_id, label, predicted }) => (
                  <li key={inference_id} className="wrap-anywhere">
                    <Link to="/history/$id" params={{ id: inference_id }} className="text-primary underline">
                      <Trans>Inference</Trans> …{inference_id.slice(-8)}
                    </Link>{" "}
                    <Trans>
                      a doctor says {label}, this version says {predicted ?? "?"}
                    </Trans>
                  </li>
                ))}
              </ul>
            </details>
          )
        );
      })}
    </section>
  );
}
