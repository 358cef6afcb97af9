import { queryOptions } from "@tanstack/react-query";
import { client } from "@/api/client";
import type { JobState } from "@/components/job-progress";

/** A verdict and what the new version makes of it; `predicted` null: unknown. */
export type Taught = { inference_id: string; label: string; predicted: string | null };
export type Outcome = "learned" | "unlearned" | "not_learned";
export type Feedback = { counts: Record<Outcome | "kept", number> } & Partial<Record<Outcome, Taught[]>>;
/** What a training ended with. Each model server tells what it knows, so all of it may be missing. */
export type Result = {
  model?: { name: string; version: string };
  metrics?: Record<string, number>;
  parent?: string | null;
  promoted?: boolean;
  reason?: string;
  objections?: string[];
  params?: Record<string, unknown>;
  seconds?: number;
  examples?: { used: number; left_out: number; learned?: number; reasons?: Record<string, number> };
  feedback?: Feedback;
  verdicts?: { handed_over: number; left_out: number };
};
export type Run = {
  id: string;
  state: JobState;
  progress: { percent: number; message: string };
  params: Record<string, unknown> | null;
  result: Result | null;
  error: string | null;
  requested_by: string;
  created_at: string;
  finished_at: string | null;
};
export type Version = {
  version: string;
  state: "serving" | "kept" | "refused";
  reason?: string;
  waits?: string[];
  trained_at: string | null;
  metrics: Record<string, number> | null;
  parent: string | null;
};
export type Model = { name: string; serving: string | null; versions: Version[] };

export const JOBS = "/ml/v1/retrain/jobs/";
const RUNS = 20;

export const runsQuery = queryOptions({
  queryKey: ["training", "runs"],
  queryFn: async ({ signal }): Promise<Run[]> => (await client.send(`${JOBS}?limit=${RUNS}`, { signal })).json(),
});

export const modelsQuery = queryOptions({
  queryKey: ["training", "models"],
  queryFn: async ({ signal }): Promise<Model[]> => {
    const told = (await (await client.send("/ml/v1/models/", { signal })).json()) as { models?: Model[] };
    return told.models ?? [];
  },
});

/** Puts a version into service. */
export async function promote({ model, version, reason }: { model: string; version: string; reason: string }) {
  const path = `/ml/v1/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}/promote/`;
  const headers = { "Content-Type": "application/json" };
  await client.send(path, { method: "POST", headers, body: JSON.stringify({ reason }) });
}

/** A metric for people: a count as it is, a fraction with three places. */
export function metric(value: number | undefined): string {
  if (value === undefined) return "–";
  return Number.isInteger(value) && Math.abs(value) > 1 ? String(value) : value.toFixed(3);
}
