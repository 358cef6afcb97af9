import type { Problem } from "./schema.js";

export type { Problem };

/** The gateway's media type of errors (RFC 9457). */
export const PROBLEM_TYPE = "application/problem+json";

/**
 * An answer that is not a success.
 *
 * `problem` has the gateway's words: `detail` says what went wrong and what to do about it. An error of the model server
 * passes the gateway unchanged and need not be a problem; then `problem` is made from the status, and `body` has it all.
 */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    readonly problem: Problem,
    /** The body: parsed JSON, or text. */
    readonly body: unknown = problem,
    /** Seconds after which a retry may help; null if the answer does not say. */
    readonly retryAfter: number | null = null,
    /** Where the job is that an answer of 409 names; null if it names none. */
    readonly location: string | null = null,
  ) {
    super(problem.detail || problem.title);
  }

  /** The HTTP status. */
  get status(): number {
    return this.problem.status;
  }

  /** The id to search for in the gateway's logs. */
  get requestId(): string {
    return this.problem.request_id;
  }

  /** What is wrong with the field at a JSON pointer, such as `/doctor_name`; undefined if nothing is. */
  fieldError(pointer: string): string | undefined {
    return this.problem.errors?.find((error) => error.pointer === pointer)?.detail;
  }
}

/** Whether a repeat may succeed: too many requests, no answer in time, or a part that is down for now. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof ProblemError) return [408, 429, 502, 503, 504].includes(error.status);
  return error instanceof TypeError; // what `fetch` throws if there was no answer
}

/** Makes the error of an answer that is not a success. It reads the body. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text();
  const body = parsed(text);
  const problem = isProblem(response, body) ? body : substitute(response, body);
  return new ProblemError(problem, body, seconds(response.headers.get("Retry-After")), response.headers.get("Location"));
}

/** A `Retry-After` field in seconds, from either of its two forms; null if there is none. */
export function seconds(field: string | null): number | null {
  if (field === null || field.trim() === "") return null;
  const number = Number(field);
  if (Number.isFinite(number)) return Math.max(0, number);
  const moment = Date.parse(field);
  return Number.isNaN(moment) ? null : Math.max(0, (moment - Date.now()) / 1000);
}

function isProblem(response: Response, body: unknown): body is Problem {
  const type = response.headers.get("Content-Type") ?? "";
  return type.startsWith(PROBLEM_TYPE) && typeof body === "object" && body !== null && "status" in body;
}

function substitute(response: Response, body: unknown): Problem {
  return {
    type: "about:blank",
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
    detail: typeof body === "string" ? body.slice(0, 500) : wordsIn(body),
    request_id: response.headers.get("X-Request-ID") ?? "",
  };
}

function wordsIn(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const words = ["detail", "error", "message"].map((name) => (body as Record<string, unknown>)[name]);
  return words.find((word): word is string => typeof word === "string") ?? "";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
