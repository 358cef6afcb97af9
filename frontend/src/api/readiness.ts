import { queryOptions } from "@tanstack/react-query";

const EVERY_MS = 15_000;

export type Part = { ok: boolean; ms?: number; detail?: string };
/** `parts` is there for those who may see them. */
export type Readiness = { status: "ready" | "degraded" | "not ready" | "unreachable"; parts?: Record<string, Part> };

/** What `/readyz` says, asked again while the page is visible. It never fails: no answer is an answer too. */
export const readinessQuery = queryOptions({
  queryKey: ["readiness"],
  refetchInterval: EVERY_MS,
  queryFn: async ({ signal }): Promise<Readiness> => {
    try {
      return await (await fetch("/readyz", { cache: "no-store", signal })).json();
    } catch {
      return { status: "unreachable" };
    }
  },
});
