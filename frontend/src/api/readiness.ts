import { queryOptions } from "@tanstack/react-query";

const EVERY_MS = { ready: 15_000, down: 5000 };
const MAX_MS = 10_000; // a gateway that hangs is down too

export type Part = { ok: boolean; ms?: number; detail?: string };
/** `parts` is there for those who may see them. */
export type Readiness = { status: "ready" | "degraded" | "not ready" | "unreachable"; parts?: Record<string, Part> };

/** What `/readyz` says, asked again while the page is visible. It never fails: no answer is an answer too. */
export const readinessQuery = queryOptions({
  queryKey: ["readiness"],
  queryFn: async ({ signal }): Promise<Readiness> => {
    try {
      const either = AbortSignal.any([signal, AbortSignal.timeout(MAX_MS)]);
      return await (await fetch("/readyz", { cache: "no-store", signal: either })).json();
    } catch {
      return { status: "unreachable" };
    }
  },
  refetchInterval: ({ state }) => (state.data?.status === "ready" ? EVERY_MS.ready : EVERY_MS.down),
});
