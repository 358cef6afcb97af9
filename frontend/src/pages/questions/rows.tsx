import { Trans, useLingui } from "@lingui/react/macro";
import type { ExecutionResponse } from "@ml-proxy/client";
import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { type Column, DataTable } from "@/components/data-table";
import { ProblemAlert } from "@/components/problem-alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { csvOf, type Row } from "./api";
import { chartOf, shown } from "./statement";

const ResultChart = lazy(async () => ({ default: (await import("./charts")).ResultChart }));
const MOST_SHOWN = 200; // rows; the file has all

type Props = { database: number; sessionId: string; sql: string; result: ExecutionResponse; isStale: boolean };

/** The rows of the statement that ran: in words, as a chart if one says something, and as a table. */
export function Rows({ database, sessionId, sql, result, isStale }: Props) {
  const { t, i18n } = useLingui();
  const names = useMemo(() => result.columns.map(({ name }) => name), [result]);
  const data = result.data as Row[];
  const chart = useMemo(() => chartOf(names, data), [names, data]);
  const columns = useMemo(() => names.map((name) => column(name, i18n.locale)), [names, i18n.locale]);
  const count = data.length;
  return (
    <Card aria-label={t`Result`} data-testid="result" data-stale={isStale}>
      <div className="mb-3 flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0" role="status">
          <CardTitle className="mb-1!">
            <Trans>Result</Trans>
          </CardTitle>
          {result.summary && (
            <p className="wrap-anywhere" dir="auto" data-testid="summary">
              {result.summary}
            </p>
          )}
          {count > MOST_SHOWN && (
            <p className="text-sm text-muted-foreground">
              <Trans>
                The first {MOST_SHOWN} of {count} rows are shown; the file has all.
              </Trans>
            </p>
          )}
        </div>
        <SaveButton database={database} sessionId={sessionId} sql={sql} />
      </div>
      <div className="mb-3 flex flex-wrap gap-2 empty:hidden">
        {isStale && (
          <Badge tone="warn" className="whitespace-normal!">
            <Trans>The SQL has changed since: run it for new rows</Trans>
          </Badge>
        )}
        {result.truncated && (
          <Badge tone="warn" className="whitespace-normal!">
            <Trans>There are more rows than the gateway may send</Trans>
          </Badge>
        )}
      </div>
      {chart && (
        <div aria-hidden className="mb-5 max-w-4xl">
          <Suspense fallback={<Skeleton className="h-60" />}>
            <ResultChart {...chart} rows={data} locale={i18n.locale} />
          </Suspense>
        </div>
      )}
      <DataTable
        caption={t`Rows`}
        columns={columns}
        rows={data.slice(0, MOST_SHOWN)}
        empty={t`No row matches`}
        className="max-h-[32rem] overflow-y-auto"
      />
    </Card>
  );
}

function column(name: string, locale: string): Column<Row> {
  return {
    id: name,
    header: name,
    accessorFn: (row) => row[name],
    cell: ({ getValue }) => <span dir="auto">{shown(name, getValue(), locale)}</span>,
    enableSorting: true,
  };
}

function SaveButton({ database, sessionId, sql }: { database: number; sessionId: string; sql: string }) {
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => csvOf(database, sessionId, sql),
    onSuccess: (file) => save(file, "result.csv"),
  });
  return (
    <div className="flex flex-col gap-2">
      <Button size="sm" onClick={() => mutate()} disabled={isPending}>
        <Download aria-hidden className="size-4" />
        <Trans>Save as CSV</Trans>
      </Button>
      {error && <ProblemAlert error={error} />}
    </div>
  );
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // milliseconds; the browser reads it after the click
}
