import { Trans, useLingui } from "@lingui/react/macro";
import type { Inference } from "@ml-proxy/client";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { classesOf, modelsQuery } from "@/api/models";
import { InferenceFacts } from "@/components/inference/facts";
import { Pictures } from "@/components/inference/pictures";
import { Predictions, predictionsOf } from "@/components/inference/predictions";
import { Values } from "@/components/inference/values";
import { Verdict } from "@/components/inference/verdict";
import { PageHeader } from "@/components/page-header";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { inferenceQuery } from "./inference-query";

const route = getRouteApi("/shell/history/$id");

export function Page() {
  const { t } = useLingui();
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(inferenceQuery(id));
  return (
    <>
      <PageHeader
        title={t`Inference`}
        actions={
          <Button asChild>
            <Link to="/history">
              <ArrowLeft aria-hidden className="size-4" />
              <Trans>To the history</Trans>
            </Link>
          </Button>
        }
      />
      {error && <ProblemAlert error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton className="h-96" />}
      {data && <InferenceView inference={data} />}
    </>
  );
}

function InferenceView({ inference }: { inference: Inference }) {
  const { t } = useLingui();
  const models = useQuery(modelsQuery).data;
  const predictions = predictionsOf(inference.output_data);
  const labels = predictions.map(({ label }) => label);
  return (
    <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="flex min-w-0 flex-col gap-5">
        <Card aria-label={t`About`}>
          <InferenceFacts inference={inference} />
        </Card>
        <Card aria-label={t`Input`}>
          <CardTitle>
            <Trans>Input</Trans>
          </CardTitle>
          <Pictures inference={inference} />
          <Values value={inference.input_data} />
        </Card>
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        <Card aria-label={t`Output`}>
          <CardTitle>
            <Trans>Output</Trans>
          </CardTitle>
          <div className="mb-4">
            <Predictions predictions={predictions} />
          </div>
          <Values value={inference.output_data} />
        </Card>
        <Card aria-label={t`Verdicts`}>
          <CardTitle>
            <Trans>Verdicts</Trans>
          </CardTitle>
          <Verdict
            id={inference.id}
            classes={classesOf(models, inference.model_name, labels)}
            top={predictions[0]?.label}
          />
        </Card>
      </div>
    </div>
  );
}
