import { expect, test } from "vitest";

import { type Job, ProblemError, cancelJob, followJob, hasEnded, startRetrain } from "../src/index.js";
import { serverEvents } from "../src/events.js";
import { json, problem, scripted } from "./support.js";

const LOCATION = "https://gateway.example/ml/v1/retrain/jobs/j-1/";

function job(state: string, percent = 0): Partial<Job> {
  return { id: "j-1", state: state as Job["state"], progress: { percent, message: "" } };
}

function stream(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
}

function events(...pieces: string[]): Response {
  return new Response(stream(...pieces), { headers: { "Content-Type": "text/event-stream; charset=utf-8" } });
}

async function states(followed: AsyncGenerator<Job>): Promise<string[]> {
  const found: string[] = [];
  for await (const each of followed) found.push(`${each.state} ${each.progress.percent}`);
  return found;
}

test("events are put together from pieces, with every kind of line break", async () => {
  const found = [];
  const body = stream(": hello\n\nevent: a\r", "\ndata: 1\r\n\r\n", "data: 2\rdata:  3\r\r", "retry: 9\n\n", "data: cut");
  for await (const event of serverEvents(body)) found.push([event.name, event.data]);
  expect(found).toEqual([
    ["a", "1"],
    ["message", "2\n 3"],
  ]);
});

test("a letter that is cut in two is whole again", async () => {
  const bytes = new TextEncoder().encode("data: 김\n\n");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  for await (const event of serverEvents(body)) expect(event.data).toBe("김");
});

test("a job's events are followed to its end", async () => {
  const { client, sent } = scripted((request) =>
    request.url.endsWith("/events/")
      ? events(
          `event: progress\ndata: ${JSON.stringify(job("running", 40))}\n\n`,
          `event: end\ndata: ${JSON.stringify(job("succeeded", 100))}\n\n`,
        )
      : json(job("queued")),
  );
  expect(await states(followJob(client, LOCATION))).toEqual(["queued 0", "running 40", "succeeded 100"]);
  expect(sent.map((request) => new URL(request.url).pathname)).toEqual([
    "/ml/v1/retrain/jobs/j-1/",
    "/ml/v1/retrain/jobs/j-1/events/",
  ]);
});

test("a stream that breaks off is opened again", async () => {
  const rounds = [events(`event: progress\ndata: ${JSON.stringify(job("running", 40))}\n\n`), events("data: x\n\n")];
  const reads = [job("queued"), job("running", 50), job("succeeded", 100)];
  const { client } = scripted((request) =>
    request.url.endsWith("/events/") ? (rounds.shift() as Response) : json(reads.shift(), { headers: { "Retry-After": "0" } }),
  );
  expect(await states(followJob(client, LOCATION))).toEqual(["queued 0", "running 40", "running 50", "succeeded 100"]);
});

test("without events the job is asked for again, also after a moment out of reach", async () => {
  const reads = [
    json(job("running", 10), { headers: { "Retry-After": "0" } }),
    problem(503, { "Retry-After": "0" }),
    json(job("failed", 20)),
  ];
  const { client, sent } = scripted((request) =>
    request.url.endsWith("/events/") ? problem(404) : (reads.shift() as Response),
  );
  expect(await states(followJob(client, LOCATION))).toEqual(["running 10", "failed 20"]);
  expect(sent.filter((request) => request.url.endsWith("/events/"))).toHaveLength(1);
});

test("a job that is not there is an error at once", async () => {
  const { client, sent } = scripted(() => problem(404));
  await expect(states(followJob(client, LOCATION))).rejects.toBeInstanceOf(ProblemError);
  expect(sent).toHaveLength(1);
});

test("following stops when it is told to", async () => {
  const { client } = scripted((request) =>
    request.url.endsWith("/events/") ? problem(404) : json(job("running"), { headers: { "Retry-After": "60" } }),
  );
  const stop = new AbortController();
  const followed = followJob(client, LOCATION, stop.signal);
  await followed.next();
  const waiting = followed.next();
  stop.abort(new Error("stopped"));
  await expect(waiting).rejects.toThrow("stopped");
});

test("a retrain is started with its key, and cancelled at its own URL", async () => {
  const { client, sent } = scripted(() =>
    json(job("queued"), { status: 202, headers: { Location: "http://inner:8000/ml/v1/retrain/jobs/j-1/" } }),
  );
  const started = await startRetrain(client, { model: "m" }, { idempotencyKey: "k" });
  expect(started.location).toBe(LOCATION);
  expect(hasEnded(started.job)).toBe(false);
  expect(sent[0]?.headers.get("Idempotency-Key")).toBe("k");
  await cancelJob(client, started.location);
  expect(sent[1]?.url).toBe(`${LOCATION}cancel/`);
});
