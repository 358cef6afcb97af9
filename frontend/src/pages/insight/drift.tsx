import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { type Column, DataTable } from "@/components/data-table";
import { useModelText } from "@/components/inference/model-texts";
import { ProblemAlert } from "@/components/problem-alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/skeleton";
import { driftQuery, type Input, type Period } from "./api";
import { binNames, nameOf, shares } from "./figures";

const InputBins = lazy(async () => ({ default: (await import("./charts")).InputBins }));
const SHOWN = 8;

/** How far recent inputs are from the training data. */
export function DriftCard({ period }: { period: Period }) {
  const { t, i18n } = useLingui();
  const { data, error, refetch } = useQuery(driftQuery(period));
  const textOf = useModelText();
  const [isAll, setAll] = useState(false);
  const [chosen, setChosen] = useState<Input | null>(null);
  if (error) return <ProblemAlert error={error} onRetry={refetch} className="lg:col-span-2" />;
  if (!data) return <Skeleton className="h-72 lg:col-span-2" />;
  const [sampled, rows, total] = [i18n.number(data.sampled), i18n.number(data.reference_rows), data.inputs.length];
  const version = `${data.model_name} ${data.model_version}`;
  const columns: Column<Input>[] = [
    {
      header: t`Input`,
      accessorKey: "pointer",
      cell: ({ row: { original } }) => (
        <button type="button" className="text-left text-primary underline" onClick={() => setChosen(original)}>
          {nameOf(original.pointer, textOf)}
        </button>
      ),
    },
    {
      header: t`Shift (PSI)`,
      accessorKey: "psi",
      enableSorting: true,
      cell: ({ getValue }) => getValue<number>().toFixed(2),
    },
    { header: t`Outside training`, accessorKey: "outside", enableSorting: true },
    { header: t`Missing`, accessorKey: "missing", enableSorting: true },
    {
      header: t`Verdict`,
      accessorKey: "drifted",
      cell: ({ getValue }) =>
        getValue() ? <Badge tone="warn">{t`drifted`}</Badge> : <Badge>{t`as in training`}</Badge>,
    },
  ];
  return (
    <Card className="lg:col-span-2">
      <CardTitle>
        <Trans>Drift of inputs</Trans>
      </CardTitle>
      {data.reason ? (
        <p className="text-muted-foreground">{data.reason}</p>
      ) : (
        <>
          <p className="-mt-2 mb-3 text-sm text-muted-foreground">
            <Trans>
              {data.drifted} of {total} inputs have drifted: {sampled} recent inputs against {rows} training rows of{" "}
              {version}.
            </Trans>
          </p>
          <DataTable
            caption={t`Drift of inputs`}
            columns={columns}
            rows={isAll ? data.inputs : data.inputs.slice(0, SHOWN)}
          />
          {total > SHOWN && (
            <Button size="sm" className="mt-3" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
              {isAll ? <Trans>Show fewer</Trans> : <Trans>Show all {total}</Trans>}
            </Button>
          )}
        </>
      )}
      <Dialog open={chosen !== null} onClose={() => setChosen(null)} title={chosen && nameOf(chosen.pointer, textOf)}>
        {chosen && <Bins input={chosen} />}
      </Dialog>
    </Card>
  );
}

function Bins({ input }: { input: Input }) {
  const { t } = useLingui();
  const textOf = useModelText();
  const [training, log] = [shares(input.reference), shares(input.observed)];
  const rows = binNames(input, t`missing`).map((bin, number) => ({
    bin,
    training: `${training[number]?.toFixed(1)} %`,
    log: `${log[number]?.toFixed(1)} %`,
  }));
  const columns = [
    { header: t`Value`, accessorKey: "bin" },
    { header: t`Training data`, accessorKey: "training" },
    { header: t`Log`, accessorKey: "log" },
  ];
  return (
    <>
      <div aria-hidden>
        <Suspense fallback={<Skeleton className="h-60" />}>
          <InputBins input={input} />
        </Suspense>
      </div>
      <DataTable caption={nameOf(input.pointer, textOf)} columns={columns} rows={rows} />
    </>
  );
}
