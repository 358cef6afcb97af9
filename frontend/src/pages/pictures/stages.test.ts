import { expect, test } from "vitest";
import { noDesk, stageStates } from "./stages";

const at = (message: string) => ({ percent: 1, message });
const REFUSED = "classify: The picture shows no desk (probability 4.2e-05), so nothing was drawn.";

test("stages before the named one are done", () => {
  const told = stageStates({ state: "running", progress: at("describe"), error: null });
  expect(told.map(([, state]) => state)).toEqual(["done", "done", "active", "waiting", "waiting", "waiting"]);
});

test("the ends of a job", () => {
  const states = (state: "succeeded" | "queued" | "cancelled", message: string) =>
    stageStates({ state, progress: at(message), error: null }).map(([, each]) => each);
  expect(new Set(states("succeeded", "products"))).toEqual(new Set(["done"]));
  expect(new Set(states("queued", ""))).toEqual(new Set(["waiting"]));
  expect(states("cancelled", "draw")[3]).toBe("stopped");
});

test("a failed job says in which stage, and whether it was no desk", () => {
  const failed = stageStates({ state: "failed", progress: at("classify"), error: REFUSED });
  expect(failed[1]).toEqual(["classify", "failed"]);
  expect(noDesk({ error: REFUSED })).toBeCloseTo(0.000042);
  expect(noDesk({ error: "draw: the gateway failed (KeyError)." })).toBeNull();
});
