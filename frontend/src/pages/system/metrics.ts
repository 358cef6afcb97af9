import { queryOptions } from "@tanstack/react-query";
import { client } from "@/api/client";

const EVERY_MS = 15_000;
const SAMPLE = /^ml_proxy_(\w+)(?:\{(\w+)="([^"]*)"\})? (\S+)/;

/** Gauges by name, each with its values by label; a gauge without a label has the value at "". */
export type Gauges = Record<string, Record<string, number>>;

/** What `/metrics` tells, asked again while the page is visible. */
export const gaugesQuery = queryOptions({
  queryKey: ["system", "metrics"],
  refetchInterval: EVERY_MS,
  queryFn: async ({ signal }): Promise<Gauges> => gauges(await (await client.send("/metrics", { signal })).text()),
});

/** Reads the project's samples with at most one label from Prometheus' text format. */
export function gauges(text: string): Gauges {
  const found: Gauges = {};
  for (const line of text.split("\n")) {
    const [, name, , label = "", value] = SAMPLE.exec(line) ?? [];
    if (name && value) found[name] = { ...found[name], [label]: Number(value) };
  }
  return found;
}
