import { ProblemError, isTemporary } from "../problem.js";

const RETRIES = 3;
const LONGEST_MS = 30_000;

/** For reads: repeats what may succeed the next time, and nothing else. */
export const retry = {
  retry: (count: number, error: Error) => count < RETRIES && isTemporary(error),
  retryDelay: (count: number, error: Error) => {
    const asked = error instanceof ProblemError ? error.retryAfter : null;
    return asked === null ? Math.min(1000 * 2 ** count, LONGEST_MS) : asked * 1000;
  },
};
