import { expect, test } from "vitest";

import { ProblemError, history, predict } from "../src/index.js";
import { cookieValue } from "../src/authentication.js";
import { within } from "../src/client.js";
import { json, problem, scripted } from "./support.js";

const REQUEST = { doctor_name: "Dr. Kim", patient_name: "Hong", age: 61 };

test("predict sends the body and the key, and returns the record's id", async () => {
  const { client, sent } = scripted(() =>
    json({ predictions: [{ label: "benign", confidence: 0.9 }] }, { headers: { "X-Inference-ID": "i-1" } }),
  );
  const result = await predict(client, REQUEST, { idempotencyKey: "k" });
  expect(result.inferenceId).toBe("i-1");
  expect(result.answer.predictions?.[0]?.label).toBe("benign");
  expect(sent[0]?.url).toBe("https://gateway.example/ml/v1/predict/");
  expect(sent[0]?.headers.get("Idempotency-Key")).toBe("k");
  expect(await sent[0]?.json()).toEqual(REQUEST);
});

test("a form keeps its own media type", async () => {
  const { client, sent } = scripted(() => json({}));
  const form = new FormData();
  form.set("image", new Blob(["x"]), "x.png");
  await predict(client, form);
  expect(sent[0]?.headers.get("Content-Type")).toMatch(/^multipart\/form-data; boundary=/);
});

test("a token travels without cookies, and is asked for anew with each request", async () => {
  let token = "one";
  const { client, sent } = scripted(() => json({}), { token: () => token, csrfToken: () => "csrf" });
  await predict(client, REQUEST);
  token = "two";
  await predict(client, REQUEST);
  expect(sent.map((request) => request.headers.get("Authorization"))).toEqual(["Bearer one", "Bearer two"]);
  expect(sent[0]?.credentials).toBe("omit");
  expect(sent[0]?.headers.has("X-CSRFToken")).toBe(false);
});

test("a session sends the token against forged requests, but not with reads", async () => {
  const { client, sent } = scripted(() => json([]), { csrfToken: () => "csrf" });
  await client.api.GET("/ml/v1/history/");
  await predict(client, REQUEST);
  expect(sent.map((request) => request.headers.get("X-CSRFToken"))).toEqual([null, "csrf"]);
});

test("every call throws a problem", async () => {
  const { client } = scripted(() => problem(503));
  await expect(predict(client, REQUEST)).rejects.toBeInstanceOf(ProblemError);
  await expect(client.api.GET("/ml/v1/history/")).rejects.toBeInstanceOf(ProblemError);
});

test("history reads page after page", async () => {
  const pages: Record<string, [string[], string | null]> = { "": [["a", "b"], "c1"], c1: [["c"], null] };
  const { client, sent } = scripted((request) => {
    const [ids, next] = pages[new URL(request.url).searchParams.get("cursor") ?? ""] ?? [[], null];
    const link = next === null ? {} : { Link: `<http://inner:8000/ml/v1/history/?cursor=${next}>; rel="next"` };
    return json(ids.map((id) => ({ id })), { headers: link });
  });
  const rows = [];
  for await (const row of history(client, { doctor: "Dr. Kim" })) rows.push(row);
  expect(rows.map((row) => row.id)).toEqual(["a", "b", "c"]);
  expect(sent.map((request) => new URL(request.url).search)).toEqual(["?doctor=Dr.%20Kim", "?doctor=Dr.%20Kim&cursor=c1"]);
});

test("a URL in an answer can't send the credentials elsewhere", () => {
  expect(within("http://inner:8000/ml/v1/x/?a=1", "https://gateway.example")).toBe("https://gateway.example/ml/v1/x/?a=1");
  expect(within("//evil.example/x", "https://gateway.example")).toBe("https://gateway.example/x");
});

test("a cookie is found by its whole name", () => {
  expect(cookieValue("xcsrftoken=1; csrftoken=a%20b", "csrftoken")).toBe("a b");
  expect(cookieValue("a=1", "csrftoken")).toBeNull();
});
