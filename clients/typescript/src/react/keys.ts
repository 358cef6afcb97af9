import type { HistoryFilter } from "../history.js";

/** The hooks' keys in TanStack Query's cache, to invalidate or to set data by hand. */
export const keys = {
  all: ["ml-proxy"] as const,
  history: (filter?: HistoryFilter) => ["ml-proxy", "history", ...(filter ? [filter] : [])] as const,
  job: (location: string) => ["ml-proxy", "job", location] as const,
};
