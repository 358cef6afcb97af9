// How all charts look, in the colours of the scheme.

export const COLORS = ["var(--chart-1)", "var(--chart-2)", "var(--chart-3)", "var(--chart-4)", "var(--chart-5)"];
export const AXIS = { stroke: "var(--muted-foreground)", fontSize: 12, tickLine: false } as const;
export const TOOLTIP = {
  contentStyle: { background: "var(--card)", border: "1px solid var(--border)", borderRadius: 6 },
  cursor: { fill: "var(--muted)" },
  isAnimationActive: false,
} as const;
