import { useLingui } from "@lingui/react/macro";
import {
  Bar,
  BarChart,
  CartesianGrid,
  ErrorBar,
  Legend,
  Line,
  LineChart,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { AXIS, COLORS, TOOLTIP } from "@/components/chart-style";
import type { Agreement, Day, Input } from "./api";
import { binNames, shares } from "./figures";

const HEIGHT = 240;

// Charts have no place in the order of the keyboard: each has a table beside it, and is hidden from screen readers.

/** Inferences per day, by class. */
export function Days({ days, classes, nameOf }: { days: Day[]; classes: string[]; nameOf: (label: string) => string }) {
  return (
    <ResponsiveContainer width="100%" height={HEIGHT}>
      <BarChart accessibilityLayer={false} data={days}>
        <CartesianGrid vertical={false} stroke="var(--border)" />
        <XAxis dataKey="day" tickFormatter={(day: string) => day.slice(5)} minTickGap={16} {...AXIS} />
        <YAxis allowDecimals={false} width={44} {...AXIS} />
        <Tooltip {...TOOLTIP} />
        <Legend />
        {classes.map((label, number) => (
          <Bar
            key={label}
            dataKey={({ classes: counts }: Day) => counts[label] ?? 0}
            name={nameOf(label)}
            stackId="classes"
            fill={COLORS[number % COLORS.length]}
            isAnimationActive={false}
          />
        ))}
      </BarChart>
    </ResponsiveContainer>
  );
}

/** How sure the answers were: equal bins from 0 to 1. */
export function Confidence({ counts }: { counts: number[] }) {
  const { t } = useLingui();
  const bins = counts.map((count, number) => ({ bin: `${Math.round((100 * number) / counts.length)} %`, count }));
  return (
    <ResponsiveContainer width="100%" height={HEIGHT}>
      <BarChart accessibilityLayer={false} data={bins}>
        <CartesianGrid vertical={false} stroke="var(--border)" />
        <XAxis dataKey="bin" minTickGap={16} {...AXIS} />
        <YAxis allowDecimals={false} width={44} {...AXIS} />
        <Tooltip {...TOOLTIP} />
        <Bar dataKey="count" name={t`Inferences`} fill={COLORS[0]} isAnimationActive={false} />
      </BarChart>
    </ResponsiveContainer>
  );
}

/** The model server's response time by day. */
export function LatencyLines({ days }: { days: Day[] }) {
  const { t } = useLingui();
  return (
    <ResponsiveContainer width="100%" height={HEIGHT}>
      <LineChart accessibilityLayer={false} data={days}>
        <CartesianGrid vertical={false} stroke="var(--border)" />
        <XAxis dataKey="day" tickFormatter={(day: string) => day.slice(5)} minTickGap={16} {...AXIS} />
        <YAxis width={52} unit=" ms" {...AXIS} />
        <Tooltip {...TOOLTIP} />
        <Legend />
        <Line
          dataKey="latency_ms.p50"
          name={t`Median`}
          stroke={COLORS[0]}
          strokeWidth={2}
          dot={false}
          isAnimationActive={false}
        />
        <Line
          dataKey="latency_ms.p95"
          name={t`95 of 100 are faster`}
          stroke={COLORS[1]}
          strokeWidth={2}
          strokeDasharray="5 3"
          dot={false}
          isAnimationActive={false}
        />
      </LineChart>
    </ResponsiveContainer>
  );
}

/** Accuracy by version, with its interval. */
export function Accuracy({ versions }: { versions: Agreement[] }) {
  const { t } = useLingui();
  const isOne = new Set(versions.map(({ model_name }) => model_name)).size === 1;
  const shown = versions.map((each) => ({
    name: isOne ? t`Version ${each.model_version}` : `${each.model_name} ${each.model_version}`,
    accuracy: each.accuracy * 100,
    interval: [(each.accuracy - each.low) * 100, (each.high - each.accuracy) * 100],
  }));
  return (
    <ResponsiveContainer width="100%" height={64 + 44 * shown.length}>
      <BarChart accessibilityLayer={false} data={shown} layout="vertical">
        <CartesianGrid horizontal={false} stroke="var(--border)" />
        <XAxis type="number" domain={[0, 100]} unit=" %" {...AXIS} />
        <YAxis type="category" dataKey="name" width={isOne ? 84 : 150} {...AXIS} />
        <Tooltip {...TOOLTIP} formatter={(value) => `${Number(value).toFixed(1)} %`} />
        <Bar dataKey="accuracy" name={t`Accuracy`} fill={COLORS[0]} barSize={18} isAnimationActive={false}>
          <ErrorBar dataKey="interval" direction="x" stroke="var(--foreground)" strokeWidth={2} width={6} />
        </Bar>
      </BarChart>
    </ResponsiveContainer>
  );
}

/** One input in the log beside the training data. */
export function InputBins({ input }: { input: Input }) {
  const { t } = useLingui();
  const [training, log] = [shares(input.reference), shares(input.observed)];
  const bins = binNames(input, t`missing`).map((bin, number) => ({
    bin,
    training: training[number],
    log: log[number],
  }));
  return (
    <ResponsiveContainer width="100%" height={HEIGHT}>
      <BarChart accessibilityLayer={false} data={bins}>
        <CartesianGrid vertical={false} stroke="var(--border)" />
        <XAxis dataKey="bin" minTickGap={8} {...AXIS} />
        <YAxis width={44} unit=" %" {...AXIS} />
        <Tooltip {...TOOLTIP} formatter={(value) => `${Number(value).toFixed(1)} %`} />
        <Legend />
        <Bar dataKey="training" name={t`Training data`} fill={COLORS[2]} isAnimationActive={false} />
        <Bar dataKey="log" name={t`Log`} fill={COLORS[1]} isAnimationActive={false} />
      </BarChart>
    </ResponsiveContainer>
  );
}
