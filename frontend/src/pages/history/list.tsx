import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef } from "react";
import { useModelText } from "@/components/inference/model-texts";
import { Bar } from "@/components/inference/predictions";
import { ProblemAlert } from "@/components/problem-alert";
import { Checkbox } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { share } from "@/lib/format";
import type { ListRow, useRows } from "./rows";

const ROW_PX = 60;
const EARLY = 60; // rows before the end at which the next page is asked for
const COLUMNS =
  "grid grid-cols-[2rem_minmax(0,1fr)_minmax(0,1.15fr)] items-center gap-x-3 px-3 " +
  "md:grid-cols-[2rem_10.5rem_minmax(0,1fr)_minmax(0,1fr)_minmax(0,1.3fr)_minmax(0,1.2fr)]";

type Props = {
  query: ReturnType<typeof useRows>;
  chosen: readonly string[];
  onChoose: (id: string, isChosen: boolean) => void;
};

/** The rows that are on the screen, of a list without end. */
export function HistoryList({ query, chosen, onChoose }: Props) {
  const { t, i18n } = useLingui();
  const textOf = useModelText();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  const times = useMemo(
    () => new Intl.DateTimeFormat(i18n.locale, { dateStyle: "short", timeStyle: "medium" }),
    [i18n.locale],
  );
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const shown = virtual.getVirtualItems();
  const lastShown = shown.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isFetchNextPageError } = query;
  useEffect(() => {
    const isNear = lastShown >= rows.length - EARLY;
    if (isNear && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [lastShown, rows.length, hasNextPage, isFetchingNextPage, fetchNextPage, isFetchNextPageError]);

  if (query.isPending) return <Skeleton className="h-96" />;
  if (query.isError && rows.length === 0)
    return <ProblemAlert error={query.error} onRetry={() => void query.refetch()} />;
  if (rows.length === 0) return <Empty />;
  return (
    <div className="overflow-hidden rounded-lg border bg-card">
      <div role="table" aria-label={t`Inferences, newest first`} aria-rowcount={-1}>
        <Head />
        <div
          ref={scroller}
          role="rowgroup"
          tabIndex={0}
          aria-label={t`Inferences, newest first`}
          data-testid="rows"
          data-loaded={rows.length}
          className="h-[max(20rem,calc(100dvh-30rem))] overflow-y-auto"
        >
          <div role="presentation" className="relative" style={{ height: virtual.getTotalSize() }}>
            {shown.map(({ index, start }) => {
              const row = rows[index];
              if (!row) return null;
              return (
                <Row
                  key={row.id}
                  row={row}
                  index={index}
                  start={start}
                  time={times.format(new Date(row.predictedAt))}
                  answer={textOf(row.label)}
                  locale={i18n.locale}
                  isChosen={chosen.includes(row.id)}
                  onChoose={onChoose}
                  chooseLabel={t`Choose ${row.patient} to compare`}
                />
              );
            })}
          </div>
        </div>
      </div>
      {isFetchNextPageError && (
        <ProblemAlert error={query.error} onRetry={() => void fetchNextPage()} className="rounded-none!" />
      )}
      <p role="status" className="border-t px-3 py-2 text-sm text-muted-foreground">
        {hasNextPage ? (
          <Trans>{rows.length.toLocaleString(i18n.locale)} loaded; more follow as you scroll</Trans>
        ) : (
          <Trans>All {rows.length.toLocaleString(i18n.locale)} that match</Trans>
        )}
      </p>
    </div>
  );
}

function Head() {
  const { t } = useLingui();
  const look = "truncate max-md:sr-only";
  return (
    <div role="rowgroup" className="border-b border-input text-sm font-medium text-muted-foreground">
      <div role="row" className={`${COLUMNS} py-2 max-md:py-0`}>
        {[t`Compare`, t`When`, t`Patient`, t`Doctor`, t`Answer`, t`Model`].map((head, place) => (
          <span key={head} role="columnheader" className={look}>
            {place === 0 ? <span className="sr-only">{head}</span> : head}
          </span>
        ))}
      </div>
    </div>
  );
}

type RowProps = {
  row: ListRow;
  index: number;
  start: number;
  time: string;
  answer: string;
  locale: string;
  isChosen: boolean;
  onChoose: Props["onChoose"];
  chooseLabel: string;
};

const Row = memo(function Row({ row, index, start, time, answer, locale, isChosen, onChoose, chooseLabel }: RowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`${COLUMNS} absolute inset-x-0 top-0 border-b hover:bg-accent`}
      style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
    >
      <span role="cell" className="flex max-md:row-span-2">
        <Checkbox
          checked={isChosen}
          aria-label={chooseLabel}
          onChange={({ target }) => onChoose(row.id, target.checked)}
        />
      </span>
      <span role="cell" className="truncate text-sm tabular-nums max-md:order-4 max-md:text-muted-foreground">
        {time}
      </span>
      <span role="cell" className="truncate font-medium max-md:order-1">
        <Link to="/history/$id" params={{ id: row.id }} preload={false} className="text-primary hover:underline">
          <bdi>{row.patient}</bdi>
        </Link>
      </span>
      <span role="cell" className="truncate max-md:order-3 max-md:hidden">
        <bdi>{row.doctor}</bdi>
      </span>
      <span role="cell" className="flex min-w-0 items-center gap-2 max-md:order-2">
        <span className="min-w-0 flex-1 truncate" dir="auto">
          {answer}
        </span>
        {row.label && <Bar value={row.confidence} isTop className="w-12 shrink-0 max-lg:hidden" />}
        {row.label && (
          <span className="shrink-0 text-right text-sm md:w-14 tabular-nums">{share(row.confidence, locale)}</span>
        )}
      </span>
      <span role="cell" className="truncate text-sm text-muted-foreground max-md:order-5">
        {row.model}
      </span>
    </div>
  );
});

function Empty() {
  return (
    <p className="rounded-lg border border-dashed border-input p-8 text-center text-muted-foreground">
      <Trans>Nothing matches. Names must be whole; a new record takes about a second to appear.</Trans>
    </p>
  );
}
