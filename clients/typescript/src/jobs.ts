import { type MlProxy, within } from "./client.js";
import { serverEvents } from "./events.js";
import { ProblemError, isTemporary, seconds } from "./problem.js";
import type { Job } from "./schema.js";

export type { Job };

const POLL_SECONDS = 2;
const MISSES = 5; // so many times in a row a job may be out of reach
const ENDED: readonly string[] = ["succeeded", "failed", "cancelled"];

/** A job that was started, and where it is. */
export interface StartedJob {
  job: Job;
  /** The job's URL, for `followJob`. */
  location: string;
}

export interface RetrainRequest {
  /** Which model; the model server's default if it is left out. */
  model?: string;
  params?: Record<string, unknown>;
  /** Trains on doctors' verdicts too: all, or those of a time. */
  verdicts?: boolean | { model?: string; since?: string; until?: string };
}

export interface JobOptions {
  /** A repeat with the same key and body returns the same job for 24 hours. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Whether the job has ended, in whatever way. */
export function hasEnded(job: Job): boolean {
  return ENDED.includes(job.state);
}

/** Starts a job: a POST that is answered with 202. Throws `ProblemError`; for a 409 its `location` is the active job's. */
export async function startJob(
  client: MlProxy,
  path: string,
  body: unknown,
  { idempotencyKey, signal }: JobOptions = {},
): Promise<StartedJob> {
  const headers = new Headers(body instanceof FormData ? {} : { "Content-Type": "application/json" });
  if (idempotencyKey) headers.set("Idempotency-Key", idempotencyKey);
  const response = await client.send(path, {
    method: "POST",
    headers,
    body: body instanceof FormData ? body : JSON.stringify(body),
    signal: signal ?? null,
  });
  const job = (await response.json()) as Job;
  return { job, location: within(response.headers.get("Location") ?? `${path}${job.id}/`, client.baseUrl) };
}

/** Starts a retrain in the background. */
export function startRetrain(client: MlProxy, request: RetrainRequest = {}, options?: JobOptions): Promise<StartedJob> {
  return startJob(client, "/ml/v1/retrain/jobs/", request, options);
}

/** Cancels a job. The job may run on for a moment. */
export async function cancelJob(client: MlProxy, location: string): Promise<Job> {
  const response = await client.send(`${location.replace(/\/?$/, "/")}cancel/`, { method: "POST" });
  return (await response.json()) as Job;
}

/**
 * The job now, and again whenever it changes, until it has ended.
 *
 * It listens to the job's server-sent events. Where there are none, or too many listen already, it asks again after the
 * seconds that the gateway names. A job that is out of reach for a moment is asked for again.
 */
export async function* followJob(client: MlProxy, location: string, signal?: AbortSignal): AsyncGenerator<Job> {
  let mayListen = true;
  let misses = 0;
  let wait = POLL_SECONDS;
  for (;;) {
    try {
      const { job, retryAfter } = await read(client, location, signal);
      yield job;
      if (hasEnded(job)) return;
      misses = 0;
      wait = retryAfter ?? POLL_SECONDS;
      if (mayListen) {
        mayListen = false;
        for await (const news of listen(client, location, job, signal)) {
          mayListen = true;
          yield news;
          if (hasEnded(news)) return;
        }
        if (mayListen) wait = 0;
      }
    } catch (error) {
      misses += 1;
      if (signal?.aborted || !isTemporary(error) || misses >= MISSES) throw error;
      wait = error instanceof ProblemError ? (error.retryAfter ?? POLL_SECONDS) : POLL_SECONDS;
    }
    await pause(wait, signal);
  }
}

/** What the events tell, until the stream ends. It tells nothing if the job has no stream now. */
async function* listen(client: MlProxy, location: string, job: Job, signal?: AbortSignal): AsyncGenerator<Job> {
  const response = await stream(client, location, signal);
  if (response?.body == null) return;
  for await (const event of serverEvents(response.body)) {
    if (event.name !== "progress" && event.name !== "end") continue;
    const news = JSON.parse(event.data) as Partial<Job>;
    if (news.state !== undefined) yield { ...job, ...news };
  }
}

async function stream(client: MlProxy, location: string, signal?: AbortSignal): Promise<Response | null> {
  try {
    const headers = { Accept: "text/event-stream" };
    const response = await client.send(`${location.replace(/\/?$/, "/")}events/`, { headers, signal: signal ?? null });
    return response.headers.get("Content-Type")?.startsWith("text/event-stream") ? response : null;
  } catch (error) {
    if (error instanceof ProblemError && error.status !== 401) return null; // reading the job says what is wrong
    throw error;
  }
}

async function read(client: MlProxy, location: string, signal?: AbortSignal) {
  const response = await client.send(location, { signal: signal ?? null });
  return { job: (await response.json()) as Job, retryAfter: seconds(response.headers.get("Retry-After")) };
}

function pause(duration: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, duration * 1000);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
