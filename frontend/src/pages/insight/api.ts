import { queryOptions } from "@tanstack/react-query";
import { client } from "@/api/client";

export type Latency = { p50: number; p90: number; p95: number; p99: number };
export type Day = { day: string; count: number; classes: Record<string, number>; latency_ms: Latency | null };
export type Overview = {
  total: number;
  sampled: number;
  is_complete: boolean;
  days: Day[];
  classes: { label: string; count: number }[];
  confidence: { bins: number; counts: number[] };
  latency_ms: Latency | null;
  models: { model_name: string; model_version: string; count: number }[];
};
export type Judged = { agreed: number; corrected: number; accuracy: number; low: number; high: number };
export type Agreement = Judged & { model_name: string; model_version: string };
export type Input = {
  pointer: string;
  psi: number;
  q_value: number;
  drifted: boolean;
  outside: number;
  missing: number;
  edges: number[];
  categories: string[];
  reference: number[];
  observed: number[];
};
export type Drift = {
  model_name: string;
  model_version: string;
  reference_rows: number;
  sampled: number;
  reason: string | null;
  drifted: number;
  inputs: Input[];
};
export type Candidate = {
  id: string;
  doctor_name: string;
  patient_name: string;
  predicted_at: string;
  model_name: string;
  label: string | null;
  confidence: number | null;
  uncertainty: number;
  drift: number;
  outside: { pointer: string; value: unknown; bounds: [number, number] | null }[];
};

export const DAYS = [7, 30, 90] as const;
export type Period = { days: number; model: string };
export type Order = "score" | "uncertainty" | "drift";

/** One answer of `/ml/v1/insight/` for the last days, which end at the coming midnight so that an answer can be kept. */
function insight<T>(path: string, { days, model }: Period, more: Record<string, string> = {}) {
  return queryOptions({
    queryKey: ["insight", path, days, model, more],
    queryFn: async ({ signal }): Promise<T> => {
      const until = new Date();
      until.setHours(24, 0, 0, 0);
      const since = new Date(until);
      since.setDate(since.getDate() - days);
      const query = new URLSearchParams({ since: since.toISOString(), until: until.toISOString(), ...more });
      if (model) query.set("model", model);
      return (await client.send(`/ml/v1/insight/${path}/?${query}`, { signal })).json();
    },
  });
}

export const overviewQuery = (period: Period) =>
  insight<Overview>("overview", period, { timezone: Intl.DateTimeFormat().resolvedOptions().timeZone });
export const agreementQuery = (period: Period) => insight<Agreement[]>("accuracy", period);
export const driftQuery = (period: Period) => insight<Drift>("drift", period);
export const reviewQuery = (period: Period, by: Order) => insight<Candidate[]>("review", period, { by, limit: "20" });
