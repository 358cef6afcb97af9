import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Column, DataTable } from "@/components/data-table";
import { Field } from "@/components/field";
import { useModelText } from "@/components/inference/model-texts";
import { Moment } from "@/components/moment";
import { ProblemAlert } from "@/components/problem-alert";
import { Card, CardTitle } from "@/components/ui/card";
import { Select } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { type Candidate, type Order, type Period, reviewQuery } from "./api";
import { nameOf, percent } from "./figures";

const SHOWN_INPUTS = 3;

/** Inferences without a verdict, the least sure and the most drifted first. */
export function ReviewCard({ period }: { period: Period }) {
  const { t, i18n } = useLingui();
  const textOf = useModelText();
  const [order, setOrder] = useState<Order>("score");
  const { data, error, refetch } = useQuery(reviewQuery(period, order));
  const columns: Column<Candidate>[] = [
    {
      header: t`Patient`,
      accessorKey: "patient_name",
      cell: ({ row: { original } }) => (
        <Link to="/history/$id" params={{ id: original.id }} className="text-primary underline">
          <bdi>{original.patient_name}</bdi>
        </Link>
      ),
    },
    { header: t`Doctor`, accessorKey: "doctor_name", cell: ({ getValue }) => <bdi>{getValue<string>()}</bdi> },
    {
      header: t`Time`,
      accessorKey: "predicted_at",
      cell: ({ getValue }) => <Moment time={getValue<string>()} />,
    },
    {
      id: "answer",
      header: t`Answer`,
      cell: ({ row: { original } }) =>
        `${original.label ? textOf(original.label) : "–"} ${percent(original.confidence, i18n.locale)}`,
    },
    { header: t`Unsure`, accessorKey: "uncertainty", cell: ({ getValue }) => percent(getValue<number>(), i18n.locale) },
    {
      id: "outside",
      header: t`Outside training`,
      cell: ({ row: { original } }) => (
        <Outside inputs={original.outside.map(({ pointer }) => nameOf(pointer, textOf))} />
      ),
    },
  ];
  return (
    <Card className="lg:col-span-2">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div>
          <CardTitle className="mb-1">
            <Trans>To review</Trans>
          </CardTitle>
          <p className="mb-3 text-sm text-muted-foreground">
            <Trans>Recent inferences without a verdict. A verdict on one of these teaches the model most.</Trans>
          </p>
        </div>
        <Field label={t`Order`} className="w-56">
          <Select value={order} onChange={({ target }) => setOrder(target.value as Order)}>
            <option value="score">{t`Least sure or most unusual`}</option>
            <option value="uncertainty">{t`Least sure first`}</option>
            <option value="drift">{t`Most unusual first`}</option>
          </Select>
        </Field>
      </div>
      {error ? (
        <ProblemAlert error={error} onRetry={refetch} />
      ) : data ? (
        <DataTable caption={t`To review`} columns={columns} rows={data} empty={t`Nothing to review`} />
      ) : (
        <Skeleton className="h-40" />
      )}
    </Card>
  );
}

function Outside({ inputs }: { inputs: string[] }) {
  const rest = inputs.length - SHOWN_INPUTS;
  const shown = inputs.slice(0, SHOWN_INPUTS).join(", ") || "–";
  return rest > 0 ? <Trans>{shown} and more</Trans> : shown;
}
