import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { type Column, DataTable } from "@/components/data-table";
import { JobStateBadge } from "@/components/job-progress";
import { Moment } from "@/components/moment";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { Checkbox } from "@/components/ui/input";
import { metric, type Run } from "./api";
import { RunResult } from "./result";

const MOST_COMPARED = 4;
const SAME_IN_ALL = ["promote", "min_seconds"]; // parameters without effect on the model

/** Trainings, newest first. Some of them can be put side by side. */
export function RunsCard({ runs }: { runs: Run[] }) {
  const { t } = useLingui();
  const [chosen, setChosen] = useState<string[]>([]);
  const [shown, setShown] = useState<Run | null>(null);
  const compared = runs.filter(({ id }) => chosen.includes(id));
  const toggle = (id: string) =>
    setChosen((known) =>
      known.includes(id) ? known.filter((each) => each !== id) : [...known, id].slice(-MOST_COMPARED),
    );
  const columns: Column<Run>[] = [
    {
      id: "compare",
      header: t`Compare`,
      cell: ({ row: { original } }) =>
        original.result?.metrics && (
          <Checkbox
            aria-label={t`Compare version ${original.result.model?.version ?? "?"}`}
            checked={chosen.includes(original.id)}
            onChange={() => toggle(original.id)}
          />
        ),
    },
    {
      header: t`Started`,
      accessorKey: "created_at",
      cell: ({ getValue }) => <Moment time={getValue<string>()} />,
    },
    { header: t`State`, accessorKey: "state", cell: ({ row }) => <JobStateBadge state={row.original.state} /> },
    {
      id: "version",
      header: t`Version`,
      cell: ({ row: { original } }) =>
        original.result?.model ? (
          <button type="button" className="text-left text-primary underline" onClick={() => setShown(original)}>
            {original.result.model.name} {original.result.model.version}
          </button>
        ) : (
          (original.error ?? "–")
        ),
    },
    { id: "accuracy", header: t`Accuracy`, cell: ({ row }) => metric(row.original.result?.metrics?.accuracy) },
    {
      id: "service",
      header: t`In service`,
      cell: ({ row: { original } }) => (original.result ? (original.result.promoted ? t`yes` : t`no`) : "–"),
    },
    { header: t`By`, accessorKey: "requested_by", cell: ({ getValue }) => getValue<string>() || "–" },
  ];
  return (
    <Card className="lg:col-span-2">
      <CardTitle>
        <Trans>Trainings</Trans>
      </CardTitle>
      <DataTable caption={t`Trainings`} columns={columns} rows={runs} empty={t`No training yet`} />
      {compared.length > 1 && <SideBySide runs={compared} />}
      {compared.length > 0 && (
        <Button size="sm" className="mt-3" onClick={() => setChosen([])}>
          <Trans>End comparison</Trans>
        </Button>
      )}
      <Dialog open={shown !== null} onClose={() => setShown(null)} title={t`What this training made`}>
        {shown?.result && <RunResult result={shown.result} />}
      </Dialog>
    </Card>
  );
}

type Line = { name: string; values: string[] };

function SideBySide({ runs }: { runs: Run[] }) {
  const { t } = useLingui();
  const lines: Line[] = [
    ...namesIn(runs, "metrics").map((name) => ({
      name: name.replaceAll("_", " "),
      values: runs.map(({ result }) => metric(result?.metrics?.[name])),
    })),
    ...namesIn(runs, "params").map((name) => ({
      name,
      values: runs.map(({ result }) => String(result?.params?.[name] ?? "–")),
    })),
    { name: t`verdicts taught`, values: runs.map(({ result }) => String(result?.examples?.used ?? 0)) },
    { name: t`unlearned`, values: runs.map(({ result }) => String(result?.feedback?.counts.unlearned ?? "–")) },
  ];
  const columns: Column<Line>[] = [
    { header: t`Figure`, accessorKey: "name" },
    ...runs.map(({ id, result }, number) => ({
      id,
      header: `${result?.model?.name} ${result?.model?.version}`,
      accessorFn: ({ values }: Line) => values[number],
    })),
  ];
  return (
    <section className="mt-5">
      <h3 className="mb-2 font-semibold">
        <Trans>Side by side</Trans>
      </h3>
      <DataTable caption={t`Side by side`} columns={columns} rows={lines} />
    </section>
  );
}

function namesIn(runs: Run[], part: "metrics" | "params"): string[] {
  const names = runs.flatMap(({ result }) => Object.keys(result?.[part] ?? {}));
  return [...new Set(names)].filter((name) => !SAME_IN_ALL.includes(name));
}
