import type { MlProxy } from "./client.js";

/** What `POST /ml/v1/predict/` takes: the two names, and whatever the model needs. */
export interface PredictRequest {
  doctor_name: string;
  patient_name: string;
  [input: string]: unknown;
}

/** One class and how sure the model is of it, from 0 to 1. */
export interface Prediction {
  label: string;
  confidence: number;
}

/** What the reference model server answers; another model may answer any JSON. */
export interface ModelAnswer {
  model?: { name: string; version: string };
  predictions?: Prediction[];
  [member: string]: unknown;
}

export interface PredictResult<Answer = ModelAnswer> {
  /** The model's answer, unchanged. */
  answer: Answer;
  /** The id of the record in history; the record appears there some moments later. */
  inferenceId: string;
  /** The id to search for in the gateway's logs. */
  requestId: string;
}

export interface PredictOptions {
  /** A repeat with the same key and body gets the first answer again for 24 hours, without a second record. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Asks the model. A `FormData` is sent as a form, for models that take files. Throws `ProblemError`. */
export async function predict<Answer = ModelAnswer>(
  client: MlProxy,
  request: PredictRequest | FormData,
  { idempotencyKey, signal }: PredictOptions = {},
): Promise<PredictResult<Answer>> {
  const isForm = request instanceof FormData;
  const headers = new Headers({ Accept: "application/json" });
  if (!isForm) headers.set("Content-Type", "application/json");
  if (idempotencyKey) headers.set("Idempotency-Key", idempotencyKey);
  const response = await client.send("/ml/v1/predict/", {
    method: "POST",
    headers,
    body: isForm ? request : JSON.stringify(request),
    signal: signal ?? null,
  });
  return {
    answer: (await response.json()) as Answer,
    inferenceId: response.headers.get("X-Inference-ID") ?? "",
    requestId: response.headers.get("X-Request-ID") ?? "",
  };
}
