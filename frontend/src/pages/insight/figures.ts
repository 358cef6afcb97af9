import type { TextOf } from "@/components/inference/model-texts";
import { share } from "@/lib/format";
import type { Input } from "./api";

/** Counts as percentages of their sum. */
export function shares(counts: number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return counts.map((count) => (100 * count) / total);
}

/** The names of an input's bins; the last one is for missing values. */
export function binNames({ edges, categories }: Input, missing: string): string[] {
  if (categories.length) return [...categories, missing];
  const short = edges.map((edge) => String(Number(edge.toPrecision(3))));
  return [`< ${short[0]}`, ...short.map((edge) => `≥ ${edge}`), missing];
}

/** The last part of a JSON pointer, for people. */
export function nameOf(pointer: string, textOf: TextOf): string {
  const last = pointer.split("/").at(-1) ?? pointer;
  return textOf(last.replaceAll("~1", "/").replaceAll("~0", "~")).replaceAll("_", " ");
}

export function percent(fraction: number | null, locale: string): string {
  return fraction === null ? "–" : share(fraction, locale);
}
