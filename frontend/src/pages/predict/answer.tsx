import { Trans, useLingui } from "@lingui/react/macro";
import type { ModelAnswer } from "@ml-proxy/client";
import { Link } from "@tanstack/react-router";
import { ArrowRight } from "lucide-react";
import { Facts } from "@/components/inference/facts";
import { Predictions, predictionsOf } from "@/components/inference/predictions";
import { Verdict } from "@/components/inference/verdict";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";

/** An answer and what was asked: `sent` identifies the inputs. */
export type Answer = {
  sent: string;
  id: string;
  doctor: string;
  patient: string;
  output: ModelAnswer;
  classes: readonly string[];
};

/** The answer with the names that it belongs to. It turns grey as soon as the form holds something else. */
export function AnswerCard({ answer, isStale }: { answer: Answer; isStale: boolean }) {
  const { t } = useLingui();
  const predictions = predictionsOf(answer.output);
  const model = [answer.output.model?.name, answer.output.model?.version].filter(Boolean).join(" ");
  return (
    <Card
      aria-label={t`Answer`}
      data-stale={isStale}
      data-testid="answer"
      className="data-[stale=true]:border-dashed data-[stale=true]:bg-muted data-[stale=true]:text-muted-foreground"
    >
      <CardTitle>
        <Trans>Answer</Trans>
      </CardTitle>
      {isStale && (
        <p className="mb-3 rounded-md border border-warn bg-warn-ground px-3 py-2 text-warn">
          <Trans>The inputs have changed since. This answer belongs to {answer.patient}. Predict again.</Trans>
        </p>
      )}
      <Facts
        facts={[
          [
            t`Patient`,
            <bdi key="patient" className="font-semibold">
              {answer.patient}
            </bdi>,
          ],
          [t`Doctor`, <bdi key="doctor">{answer.doctor}</bdi>],
          [t`Model`, model],
        ]}
      />
      <div className="my-5">
        {predictions.length > 0 ? (
          <Predictions predictions={predictions} isStale={isStale} />
        ) : (
          <pre className="overflow-x-auto rounded-md bg-muted p-3 text-sm whitespace-pre-wrap wrap-anywhere">
            {JSON.stringify(answer.output, null, 2)}
          </pre>
        )}
      </div>
      <Button asChild className="mb-5">
        <Link to="/history/$id" params={{ id: answer.id }}>
          <Trans>The saved record</Trans>
          <ArrowRight aria-hidden className="size-4" />
        </Link>
      </Button>
      <div className="border-t pt-4">
        <Verdict id={answer.id} classes={answer.classes} top={predictions[0]?.label} />
      </div>
    </Card>
  );
}
