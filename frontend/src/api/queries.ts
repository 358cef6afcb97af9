import { isTemporary, ProblemError } from "@ml-proxy/client";
import { MutationCache, QueryClient } from "@tanstack/react-query";
import { readinessQuery } from "./readiness";

const PAUSE_MS = 3000;
const TRIES = 6;

/**
 * The cache of all reads. One that fails because a part is down is repeated until it succeeds, and the page shows what
 * it has: `StatusBanner` says what is down. Other failures are the page's to show. A write is never repeated.
 */
export function makeQueries(): QueryClient {
  const queries: QueryClient = new QueryClient({
    defaultOptions: {
      // A browser without a network would put calls off silently. They fail instead, and the banner says so.
      queries: { staleTime: 10_000, networkMode: "always", retry: (_, error) => isTemporary(error), retryDelay },
      mutations: { networkMode: "always" },
    },
    mutationCache: new MutationCache({
      onError: (error) => void (isTemporary(error) && queries.invalidateQueries({ queryKey: readinessQuery.queryKey })),
    }),
  });
  return queries;
}

/** For a record that may be new: a prediction becomes a row within a second or so, and is unknown until then. */
export const readNewRow = { retry: (count: number, error: Error) => isTemporary(error) || isUnwritten(count, error) };
export const writeToNewRow = { retry: isUnwritten, retryDelay: 700 }; // milliseconds

function isUnwritten(count: number, error: Error): boolean {
  return count < TRIES && error instanceof ProblemError && error.status === 404;
}

function retryDelay(_: number, error: Error): number {
  if (!isTemporary(error)) return writeToNewRow.retryDelay;
  const asked = error instanceof ProblemError ? error.retryAfter : null;
  return asked === null ? PAUSE_MS : asked * 1000;
}
