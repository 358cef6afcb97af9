import type { Job } from "@ml-proxy/client";

export const STAGES = ["fetch", "classify", "describe", "draw", "store", "products"] as const;
export type Stage = (typeof STAGES)[number];
export type StageState = "waiting" | "active" | "done" | "failed" | "stopped";
type Told = Pick<Job, "state" | "progress" | "error">;

const NO_DESK = /^classify: The picture shows no desk \(probability ([\d.e-]+)\)/;
const AT_WORK: Record<Job["state"], StageState> = {
  queued: "waiting",
  running: "active",
  succeeded: "done",
  failed: "failed",
  cancelled: "stopped",
};

/** How far each stage is. A job names the stage that it is in; the error of a failed one begins with the stage's name. */
export function stageStates({ state, progress, error }: Told): [Stage, StageState][] {
  const named = state === "failed" ? (error?.split(":", 1)[0] ?? "") : (progress.message ?? "");
  const at = state === "succeeded" ? STAGES.length : STAGES.indexOf(named as Stage);
  return STAGES.map((stage, place) => [stage, place < at ? "done" : place === at ? AT_WORK[state] : "waiting"]);
}

/** How probable a desk was in a photo that was refused because it shows none; null if that is not what went wrong. */
export function noDesk({ error }: Pick<Job, "error">): number | null {
  const found = NO_DESK.exec(error ?? "");
  return found ? Number(found[1]) : null;
}
