import { Trans, useLingui } from "@lingui/react/macro";
import { type AccessSchema, nextCursor } from "@ml-proxy/client";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { type Column, DataTable } from "@/components/data-table";
import { Field } from "@/components/field";
import { Moment } from "@/components/moment";
import { ProblemAlert } from "@/components/problem-alert";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Input } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";

type Filter = Partial<Record<"account" | "patient" | "doctor", string>>;
type Entry = AccessSchema;

const ROWS = 25;
const NAMES = ["account", "patient", "doctor"] as const;

/** Who looked at whom. It asks only when the auditor wants it, since each look at it is an entry too. */
export function AccessLogCard() {
  const { t } = useLingui();
  const [filter, setFilter] = useState<Filter | null>(null);
  const labels = { account: t`Account`, patient: t`Patient`, doctor: t`Doctor` };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const pairs = NAMES.map((name) => [name, String(given.get(name) ?? "").trim()] as const);
    setFilter(Object.fromEntries(pairs.filter(([, value]) => value)));
  };
  return (
    <Card aria-label={t`Access log`} className="lg:col-span-2">
      <CardTitle className="mb-1">
        <Trans>Access log</Trans>
      </CardTitle>
      <p className="mb-4 text-sm text-muted-foreground">
        <Trans>Who looked at whom. Your own look is an entry too.</Trans>
      </p>
      <form onSubmit={submit} className="grid items-end gap-3 sm:grid-cols-[repeat(3,minmax(0,1fr))_auto_auto]">
        {NAMES.map((name) => (
          <Field key={name} label={labels[name]}>
            <Input name={name} autoComplete="off" />
          </Field>
        ))}
        <Button type="submit" variant="primary">
          <Trans>Show entries</Trans>
        </Button>
        <Button asChild>
          <a href={exportUrl(filter ?? {})} download>
            <Trans>Save as a file</Trans>
          </a>
        </Button>
      </form>
      {filter && <Entries filter={filter} />}
    </Card>
  );
}

function Entries({ filter }: { filter: Filter }) {
  const { t } = useLingui();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery({
    queryKey: ["system", "access-log", filter],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => page(filter, pageParam, signal),
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
    staleTime: 0,
  });
  const columns: Column<Entry>[] = [
    { header: t`Time`, accessorKey: "recorded_at", cell: ({ getValue }) => <Moment time={getValue<string>()} /> },
    {
      header: t`Account`,
      accessorFn: ({ account }) => account || t`nobody`,
      cell: ({ getValue }) => <bdi>{getValue<string>()}</bdi>,
    },
    { header: t`Action`, accessorKey: "action" },
    { header: t`Patients`, accessorFn: ({ patients }) => people(patients) },
    { header: t`Doctors`, accessorFn: ({ doctors }) => people(doctors) },
    { header: t`Rows`, accessorKey: "row_count" },
    { header: t`Status`, accessorKey: "status" },
    { header: t`Address`, accessorKey: "address" },
  ];
  if (error) return <ProblemAlert error={error} onRetry={refetch} className="mt-4" />;
  if (!data) return <Skeleton className="mt-4 h-40" />;
  const rows = data.pages.flatMap(({ entries }) => entries);
  return (
    <div className="mt-4" data-testid="access-log">
      <DataTable caption={t`Entries of the access log`} columns={columns} rows={rows} empty={t`No entry matches`} />
      {hasNextPage && (
        <Button className="mt-3" disabled={isFetching} onClick={() => void fetchNextPage()}>
          <Trans>Earlier entries</Trans>
        </Button>
      )}
    </div>
  );
}

async function page(filter: Filter, cursor: string | null, signal: AbortSignal) {
  const query = { ...filter, limit: ROWS, ...(cursor ? { cursor } : {}) };
  const { data, response } = await api.GET("/ml/v1/access-log/", { params: { query }, signal });
  return { entries: data ?? [], next: nextCursor(response.headers.get("Link")) };
}

/** A CSV file that spreadsheets read as it is. */
function exportUrl(filter: Filter): string {
  return `/ml/v1/access-log/export/?${new URLSearchParams({ ...filter, format: "csv", bom: "1", safe_cells: "1" })}`;
}

function people(names: readonly string[]): string {
  return names.join(", ") || "–";
}
