import { expect, test } from "vitest";
import type { Input } from "./api";
import { binNames, nameOf, percent, shares } from "./figures";

const input = { edges: [1, 2.34567], categories: [] as string[] } as Input;

test("bins are named by their edges, and the last one is for missing values", () => {
  expect(binNames(input, "missing")).toEqual(["< 1", "≥ 1", "≥ 2.35", "missing"]);
  expect(binNames({ ...input, categories: ["A"] }, "missing")).toEqual(["A", "missing"]);
});

test("shares are percentages, also of nothing", () => {
  expect(shares([1, 3])).toEqual([25, 75]);
  expect(shares([0, 0])).toEqual([0, 0]);
});

test("a pointer is shown by its last part", () => {
  expect(nameOf("/features/mean_radius", (name) => name)).toBe("mean radius");
  expect(nameOf("/features/mean_radius", (name) => `평균 ${name}`)).toBe("평균 mean radius");
  expect(nameOf("/a~1b", (name) => name)).toBe("a/b");
  expect(percent(null, "en")).toBe("–");
  expect(percent(0.1234, "en")).toBe("12.3%");
});
