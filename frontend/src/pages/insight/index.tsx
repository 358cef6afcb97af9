import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { may, meQuery } from "@/api/session";
import { ChartCard } from "@/components/chart-card";
import { type Column, DataTable } from "@/components/data-table";
import { Field } from "@/components/field";
import { useModelText } from "@/components/inference/model-texts";
import { PageHeader } from "@/components/page-header";
import { ProblemAlert } from "@/components/problem-alert";
import { Card } from "@/components/ui/card";
import { Select } from "@/components/ui/input";
import { Skeleton } from "@/components/ui/skeleton";
import { milliseconds } from "@/lib/format";
import { type Agreement, agreementQuery, DAYS, type Day, type Overview, overviewQuery, type Period } from "./api";
import { DriftCard } from "./drift";
import { percent } from "./figures";
import { ReviewCard } from "./review";

const charts = () => import("./charts");
const Days = lazy(async () => ({ default: (await charts()).Days }));
const Confidence = lazy(async () => ({ default: (await charts()).Confidence }));
const LatencyLines = lazy(async () => ({ default: (await charts()).LatencyLines }));
const Accuracy = lazy(async () => ({ default: (await charts()).Accuracy }));
const SHOWN_CLASSES = 4;

export function Page() {
  const { t } = useLingui();
  const [period, setPeriod] = useState<Period>({ days: 30, model: "" });
  const everything = useQuery(overviewQuery({ ...period, model: "" }));
  const { data: me } = useQuery(meQuery);
  const names = [...new Set(everything.data?.models.map(({ model_name }) => model_name).filter(Boolean))];
  return (
    <>
      <PageHeader
        title={t`Insight`}
        description={<Trans>What the models answered, what doctors said about it, and how far inputs drift.</Trans>}
        actions={
          <>
            <Field label={t`Period`} className="w-40">
              <Select
                value={period.days}
                onChange={({ target }) => setPeriod({ ...period, days: Number(target.value) })}
              >
                {DAYS.map((days) => (
                  <option key={days} value={days}>
                    {t`Last ${days} days`}
                  </option>
                ))}
              </Select>
            </Field>
            <Field label={t`Model`} className="w-56 max-w-full">
              <Select value={period.model} onChange={({ target }) => setPeriod({ ...period, model: target.value })}>
                <option value="">{t`All models`}</option>
                {names.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </Select>
            </Field>
          </>
        }
      />
      <div className="grid gap-4 lg:grid-cols-2">
        <OverviewCards period={period} />
        <AccuracyCard period={period} />
        <DriftCard period={period} />
        {may(me, "ml_proxy.view_inferencelog") && <ReviewCard period={period} />}
      </div>
    </>
  );
}

function OverviewCards({ period }: { period: Period }) {
  const { data, error, refetch } = useQuery(overviewQuery(period));
  if (error) return <ProblemAlert error={error} onRetry={refetch} className="lg:col-span-2" />;
  if (!data) return <Skeleton className="h-72 lg:col-span-2" />;
  return (
    <>
      <Tiles overview={data} />
      <DaysCard overview={data} />
      <ConfidenceCard overview={data} />
      <LatencyCard overview={data} />
    </>
  );
}

function Tiles({ overview }: { overview: Overview }) {
  const { t, i18n } = useLingui();
  const { total, sampled, is_complete, latency_ms } = overview;
  const [read, all] = [i18n.number(sampled), i18n.number(total)];
  const tiles = [
    [t`Inferences`, all],
    [t`Median response time`, latency_ms ? milliseconds(latency_ms.p50, i18n.locale) : "–"],
    [t`95 of 100 are faster than`, latency_ms ? milliseconds(latency_ms.p95, i18n.locale) : "–"],
  ];
  return (
    <Card className="lg:col-span-2">
      <dl className="grid gap-4 sm:grid-cols-3">
        {tiles.map(([name, value]) => (
          <div key={name}>
            <dt className="text-sm text-muted-foreground">{name}</dt>
            <dd className="text-2xl font-semibold tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
      {!is_complete && (
        <p className="mt-3 text-sm text-muted-foreground">
          <Trans>
            Classes, confidence and response times are estimated from {read} of {all} inferences.
          </Trans>
        </p>
      )}
    </Card>
  );
}

function useClassName() {
  const { t } = useLingui();
  const textOf = useModelText();
  return (label: string) => (label === "" ? t`no class` : label === "…" ? t`other classes` : textOf(label));
}

function DaysCard({ overview: { days, classes } }: { overview: Overview }) {
  const { t } = useLingui();
  const nameOf = useClassName();
  const shown = classes.slice(0, SHOWN_CLASSES).map(({ label }) => label);
  const rest = classes.slice(SHOWN_CLASSES).map(({ label }) => label);
  const merged = days.map((day) => withOther(day, rest));
  const all = rest.length ? [...new Set([...shown, "…"])] : shown;
  const columns = [
    { header: t`Day`, accessorKey: "day" },
    { header: t`Inferences`, accessorKey: "count" },
    ...all.map((label) => ({
      id: `class ${label}`,
      header: nameOf(label),
      accessorFn: (day: Day) => day.classes[label] ?? 0,
    })),
  ];
  return (
    <ChartCard
      title={t`Inferences per day, by class`}
      isEmpty={classes.length === 0}
      table={<ChartTable title={t`Inferences per day, by class`} columns={columns} rows={merged} />}
    >
      <Suspense fallback={<Skeleton className="h-60" />}>
        <Days days={merged} classes={all} nameOf={nameOf} />
      </Suspense>
    </ChartCard>
  );
}

function withOther(day: Day, rest: string[]): Day {
  const sum = rest.reduce((total, label) => total + (day.classes[label] ?? 0), 0);
  return rest.length ? { ...day, classes: { ...day.classes, "…": sum } } : day;
}

function ConfidenceCard({ overview: { confidence } }: { overview: Overview }) {
  const { t } = useLingui();
  const rows = confidence.counts.map((count, number) => ({
    from: `${(100 * number) / confidence.bins} %`,
    to: `${(100 * (number + 1)) / confidence.bins} %`,
    count,
  }));
  const columns = [
    { header: t`From`, accessorKey: "from" },
    { header: t`To`, accessorKey: "to" },
    { header: t`Inferences`, accessorKey: "count" },
  ];
  return (
    <ChartCard
      title={t`Confidence`}
      description={<Trans>How sure the models were of their first answer.</Trans>}
      isEmpty={rows.every(({ count }) => count === 0)}
      table={<ChartTable title={t`Confidence`} columns={columns} rows={rows} />}
    >
      <Suspense fallback={<Skeleton className="h-60" />}>
        <Confidence counts={confidence.counts} />
      </Suspense>
    </ChartCard>
  );
}

function LatencyCard({ overview: { days } }: { overview: Overview }) {
  const { t } = useLingui();
  const rows = days.filter(({ latency_ms }) => latency_ms !== null);
  const percentiles = ["p50", "p90", "p95", "p99"] as const;
  const columns = [
    { header: t`Day`, accessorKey: "day" },
    ...percentiles.map((name) => ({
      id: name,
      header: `${name} (ms)`,
      accessorFn: (day: Day) => day.latency_ms?.[name].toFixed(1),
    })),
  ];
  return (
    <ChartCard
      title={t`Response time of the model server`}
      isEmpty={rows.length === 0}
      table={<ChartTable title={t`Response time of the model server`} columns={columns} rows={rows} />}
    >
      <Suspense fallback={<Skeleton className="h-60" />}>
        <LatencyLines days={rows} />
      </Suspense>
    </ChartCard>
  );
}

function AccuracyCard({ period }: { period: Period }) {
  const { t, i18n } = useLingui();
  const { data, error, refetch } = useQuery(agreementQuery(period));
  if (error) return <ProblemAlert error={error} onRetry={refetch} />;
  if (!data) return <Skeleton className="h-72" />;
  const columns = [
    { id: "version", header: t`Version`, accessorFn: (row: Agreement) => `${row.model_name} ${row.model_version}` },
    { header: t`Agreed`, accessorKey: "agreed" },
    { header: t`Corrected`, accessorKey: "corrected" },
    { id: "accuracy", header: t`Accuracy`, accessorFn: (row: Agreement) => percent(row.accuracy, i18n.locale) },
    {
      id: "interval",
      header: t`95% interval`,
      accessorFn: (row: Agreement) => `${percent(row.low, i18n.locale)} – ${percent(row.high, i18n.locale)}`,
    },
  ];
  return (
    <ChartCard
      title={t`Accuracy by version, as doctors judge`}
      description={<Trans>The line is the 95% interval: with few verdicts it is wide.</Trans>}
      isEmpty={data.length === 0}
      table={<ChartTable title={t`Accuracy by version, as doctors judge`} columns={columns} rows={data} />}
    >
      <Suspense fallback={<Skeleton className="h-60" />}>
        <Accuracy versions={data} />
      </Suspense>
    </ChartCard>
  );
}

/** The figures of a chart; its name differs from the chart's, as two regions of one name can't be told apart. */
function ChartTable<T>({ title, columns, rows }: { title: string; columns: Column<T>[]; rows: T[] }) {
  const { t } = useLingui();
  return <DataTable caption={t`${title}: table`} columns={columns} rows={rows} />;
}
