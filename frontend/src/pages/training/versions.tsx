import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { may, meQuery } from "@/api/session";
import { type Column, DataTable } from "@/components/data-table";
import { Field } from "@/components/field";
import { Moment } from "@/components/moment";
import { ProblemAlert } from "@/components/problem-alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { Textarea } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { type Model, metric, modelsQuery, promote, type Version } from "./api";

type Chosen = { model: string; version: string; isOlder: boolean };

/** Every version of every model, and which one serves. */
export function VersionsCard() {
  const { t } = useLingui();
  const { data, error, refetch } = useQuery(modelsQuery);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  return (
    <Card className="lg:col-span-2" aria-label={t`Versions`}>
      <CardTitle>
        <Trans>Versions</Trans>
      </CardTitle>
      {error ? (
        <ProblemAlert error={error} onRetry={refetch} />
      ) : data ? (
        data.map((model) => <Versions key={model.name} model={model} onChoose={setChosen} />)
      ) : (
        <Skeleton className="h-40" />
      )}
      {chosen && <PromoteDialog chosen={chosen} onClose={() => setChosen(null)} />}
    </Card>
  );
}

function Versions({ model, onChoose }: { model: Model; onChoose: (chosen: Chosen) => void }) {
  const { t } = useLingui();
  const { data: me } = useQuery(meQuery);
  const serving = model.versions.findIndex(({ state }) => state === "serving"); // the newest version comes first
  const columns: Column<Version>[] = [
    { header: t`Version`, accessorKey: "version" },
    {
      header: t`State`,
      accessorKey: "state",
      cell: ({ row: { original } }) => <State version={original} />,
    },
    {
      header: t`Trained`,
      accessorKey: "trained_at",
      cell: ({ getValue }) => <Moment time={getValue<string | null>()} />,
    },
    { id: "accuracy", header: t`Accuracy`, cell: ({ row }) => metric(row.original.metrics?.accuracy) },
    {
      id: "promote",
      header: t`Change`,
      cell: ({ row: { original, index } }) => {
        if (original.state !== "kept" || !may(me, "ml_proxy.promote_model")) return null;
        const isOlder = serving >= 0 && index > serving;
        return (
          <Button
            size="sm"
            aria-label={isOlder ? t`Roll back to ${original.version}` : t`Promote ${original.version}`}
            onClick={() => onChoose({ model: model.name, version: original.version, isOlder })}
          >
            {isOlder ? t`Roll back` : t`Promote`}
          </Button>
        );
      },
    },
  ];
  return (
    <section className="mb-5">
      <h3 className="mb-1 font-semibold">{model.name}</h3>
      <DataTable caption={t`Versions of ${model.name}`} columns={columns} rows={model.versions} />
    </section>
  );
}

function State({ version }: { version: Version }) {
  const { t } = useLingui();
  const why = version.waits?.join("; ") ?? version.reason;
  const badge = {
    serving: <Badge tone="good">{t`in service`}</Badge>,
    kept: version.waits ? <Badge tone="warn">{t`waits for a person`}</Badge> : <Badge>{t`kept`}</Badge>,
    refused: <Badge tone="bad">{t`refused`}</Badge>,
  }[version.state];
  return (
    <>
      {badge}
      {why && <p className="mt-1 max-w-prose text-muted-foreground">{why}</p>}
    </>
  );
}

function PromoteDialog({ chosen, onClose }: { chosen: Chosen; onClose: () => void }) {
  const { t } = useLingui();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const promotion = useMutation({
    mutationFn: promote,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["training"] });
      onClose();
    },
  });

  function send(event: FormEvent) {
    event.preventDefault();
    promotion.mutate({ ...chosen, reason });
  }

  const { model, version } = chosen;
  return (
    <Dialog
      open
      onClose={onClose}
      title={chosen.isOlder ? t`Roll back to version ${version}` : t`Promote version ${version}`}
      description={
        <Trans>
          From the next prediction on, version {version} of {model} answers.
        </Trans>
      }
    >
      <form onSubmit={send} className="flex flex-col gap-4">
        <Field label={t`Reason`} hint={t`It is recorded with your name, so it must not name a patient.`}>
          <Textarea required maxLength={500} value={reason} onChange={({ target }) => setReason(target.value)} />
        </Field>
        {promotion.error && <ProblemAlert error={promotion.error} />}
        <Button type="submit" variant="primary" className="w-fit" disabled={!reason.trim() || promotion.isPending}>
          {chosen.isOlder ? <Trans>Roll back</Trans> : <Trans>Promote</Trans>}
        </Button>
      </form>
    </Dialog>
  );
}
