import {
  Bar,
  BarChart,
  CartesianGrid,
  Legend,
  Line,
  LineChart,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { AXIS, COLORS, TOOLTIP } from "@/components/chart-style";
import type { Row } from "./api";
import type { ChartShape } from "./statement";

const BAR_HEIGHT = 34; // CSS pixels, for each row
const LONGEST_NAME = 14; // letters

type Props = ChartShape & { rows: Row[]; locale: string };

/** Rows as bars, or as a line if they go through time. The table beside it has the same figures. */
export function ResultChart({ kind, category, values, rows, locale }: Props) {
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const full = new Intl.NumberFormat(locale, { maximumFractionDigits: 20 });
  const legend = values.length > 1 && <Legend />;
  const tooltip = <Tooltip {...TOOLTIP} formatter={(value) => full.format(Number(value))} />;
  const data = rows.map((row) => ({ name: String(row[category] ?? "—"), row }));
  const series = values.map((name, number) => ({
    key: name,
    name,
    dataKey: ({ row }: { row: Row }) => row[name] as number | null,
    color: COLORS[number],
  }));
  if (kind === "line")
    return (
      <ResponsiveContainer width="100%" height={280}>
        <LineChart accessibilityLayer={false} data={data}>
          <CartesianGrid vertical={false} stroke="var(--border)" />
          <XAxis dataKey="name" minTickGap={16} {...AXIS} />
          <YAxis width={56} tickFormatter={(value: number) => compact.format(value)} {...AXIS} />
          {tooltip}
          {legend}
          {series.map(({ key, color, ...line }) => (
            <Line key={key} {...line} stroke={color} strokeWidth={2} isAnimationActive={false} />
          ))}
        </LineChart>
      </ResponsiveContainer>
    );
  const short = (name: string) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);
  return (
    <ResponsiveContainer width="100%" height={60 + BAR_HEIGHT * rows.length}>
      <BarChart accessibilityLayer={false} data={data} layout="vertical">
        <CartesianGrid horizontal={false} stroke="var(--border)" />
        <XAxis type="number" tickFormatter={(value: number) => compact.format(value)} {...AXIS} />
        <YAxis type="category" dataKey="name" width={110} interval={0} tickFormatter={short} {...AXIS} />
        {tooltip}
        {legend}
        {series.map(({ key, color, ...bar }) => (
          <Bar key={key} {...bar} fill={color} maxBarSize={22} isAnimationActive={false} />
        ))}
      </BarChart>
    </ResponsiveContainer>
  );
}
