import { expect, test } from "vitest";

import { ProblemError, isTemporary } from "../src/index.js";
import { problemOf, seconds } from "../src/problem.js";
import { json, problem } from "./support.js";

test("a problem's words, fields and header fields are kept", async () => {
  const errors = [{ pointer: "/doctor_name", detail: "must not be blank" }];
  const error = await problemOf(problem(409, { "Retry-After": "3", Location: "/jobs/1/" }, { errors }));
  expect(error).toBeInstanceOf(ProblemError);
  expect(error.message).toBe("Do this.");
  expect([error.status, error.requestId, error.retryAfter, error.location]).toEqual([409, "r-1", 3, "/jobs/1/"]);
  expect(error.fieldError("/doctor_name")).toBe("must not be blank");
  expect(error.fieldError("/patient_name")).toBeUndefined();
});

test("the model's own error is no problem, and its body is kept", async () => {
  const body = { error: "age must be a number" };
  const error = await problemOf(json(body, { status: 422, headers: { "X-Request-ID": "r-2" } }));
  expect([error.status, error.message, error.requestId]).toEqual([422, "age must be a number", "r-2"]);
  expect(error.body).toEqual(body);
});

test("a page of a proxy in between is an error too", async () => {
  const error = await problemOf(new Response("<h1>Bad Gateway</h1>", { status: 502 }));
  expect([error.status, error.body]).toEqual([502, "<h1>Bad Gateway</h1>"]);
});

test("only what may pass is temporary", async () => {
  expect(isTemporary(await problemOf(problem(503)))).toBe(true);
  expect(isTemporary(await problemOf(problem(429)))).toBe(true);
  expect(isTemporary(await problemOf(problem(400)))).toBe(false);
  expect(isTemporary(new TypeError("fetch failed"))).toBe(true);
  expect(isTemporary(new Error("a bug"))).toBe(false);
});

test("Retry-After is seconds or a date", () => {
  expect(seconds("2")).toBe(2);
  expect(seconds(null)).toBeNull();
  expect(seconds("soon")).toBeNull();
  expect(seconds("Thu, 01 Jan 1970 00:00:00 GMT")).toBe(0);
});
