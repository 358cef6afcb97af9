import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { modelsQuery } from "@/api/models";
import { PageHeader } from "@/components/page-header";
import { ProblemAlert } from "@/components/problem-alert";
import { Skeleton } from "@/components/ui/skeleton";
import { useStore } from "@/lib/store";
import { draft, fingerprint, lastAnswer } from "./draft";
import { PredictForm } from "./predict-form";

const AnswerCard = lazy(async () => ({ default: (await import("./answer")).AnswerCard }));

export function Page() {
  const { t } = useLingui();
  const models = useQuery(modelsQuery);
  return (
    <>
      <PageHeader
        title={t`Predict`}
        description={t`Ask a model about one patient. Every answer is kept as a record.`}
      />
      {models.isError && <ProblemAlert error={models.error} onRetry={() => void models.refetch()} className="mb-4" />}
      {models.isPending && <Skeleton className="h-96" />}
      {models.data && (
        <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,7fr)_minmax(20rem,4fr)]">
          <PredictForm models={models.data} />
          <div aria-live="polite" className="min-w-0 xl:sticky xl:top-5">
            <LastAnswer />
          </div>
        </div>
      )}
    </>
  );
}

function LastAnswer() {
  const { t } = useLingui();
  const answer = useStore(lastAnswer);
  const now = useStore(draft);
  if (answer)
    return (
      <Suspense fallback={<Skeleton className="h-80" />}>
        <AnswerCard key={answer.id} answer={answer} isStale={answer.sent !== fingerprint(now)} />
      </Suspense>
    );
  return (
    <p className="rounded-lg border border-dashed border-input p-6 text-center text-muted-foreground">
      {t`The answer appears here, with the names that it belongs to.`}
    </p>
  );
}
