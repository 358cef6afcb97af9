import type { Job } from "@ml-proxy/client";
import { startJob } from "@ml-proxy/client";
import { queryOptions } from "@tanstack/react-query";
import { api, client } from "@/api/client";

/** A photo that was chosen. `shown` is the address of its preview; null for a URL, which the page may not load. */
export type Photo = { file: File; shown: string; url: null } | { file: null; shown: null; url: string };
export type Label = { name: string; probability: number };
export type Classification = { classify: boolean; desk_probability?: number; desk_labels?: Label[]; top?: Label[] };
export type Product = { title: string; price: string; mall: string; link: string };
export type Result = {
  initial_image_url: string | null;
  processed_image_url: string | null;
  products: { keyword: string; details: Product[] }[];
  description: string;
  models: { service: string; provider: string; model: string; version: string }[];
  warnings: string[];
};

export const USE_IMAGING = "imaging.add_providercall";
export const JOBS = "/ai/jobs/";
const START = "/ai/generated/v1/";
const EARLIER = 6;

/** One's own jobs, newest first. */
export const jobsQuery = queryOptions({
  queryKey: ["pictures", "jobs"],
  queryFn: async ({ signal }): Promise<Job[]> =>
    (await api.GET("/ai/jobs/", { params: { query: { limit: EARLIER } }, signal })).data ?? [],
});

/** The models that are not on this machine. */
export const missingModelsQuery = queryOptions({
  queryKey: ["pictures", "health"],
  queryFn: async ({ signal }): Promise<string[]> => {
    const health = (await api.GET("/ai/healthcheck/", { signal })).data;
    return Object.entries(health?.parts ?? {})
      .filter(([, state]) => state !== "ready")
      .map(([name]) => name);
  },
});

/** The most bytes that an uploaded photo may have. */
export const maxBytesQuery = queryOptions({
  queryKey: ["pictures", "info"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async ({ signal }): Promise<number> => {
    const info = (await (await client.send("/ai/info/", { signal })).json()) as { limits: { bytes: number } };
    return info.limits.bytes;
  },
});

/** Asks whether the photo shows a desk, and which classes made it so. */
export async function classify(photo: Photo): Promise<Classification> {
  const response = await client.send("/ai/classify/?details=true", {
    method: "POST",
    ...(photo.file
      ? { body: form(photo.file) }
      : { body: JSON.stringify({ initial_image_url: photo.url }), headers: { "Content-Type": "application/json" } }),
  });
  return response.json();
}

/** Starts the job. A repeat with the same key is the same job. Returns its address. */
export async function redraw(photo: Photo, idempotencyKey: string): Promise<string> {
  const body = photo.file ? form(photo.file) : { image_url: photo.url };
  return (await startJob(client, START, body, { idempotencyKey })).location;
}

function form(file: File): FormData {
  const made = new FormData();
  made.append("image", file);
  return made;
}
