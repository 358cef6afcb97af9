import { expect, test } from "vitest";

import { executeSql, generateSql } from "../src/index.js";
import { json, problem, scripted } from "./support.js";

test("a question gets SQL, and the SQL its rows", async () => {
  const { client, sent } = scripted((request) =>
    request.url.includes("generate")
      ? json({ session_id: "s-1", sql: "SELECT 1" })
      : json({ data: [{ n: 1 }], columns: [], truncated: false, summary: "One." }),
  );
  const { session_id, sql } = await generateSql(client, 3, "How many?");
  const result = await executeSql(client, 3, session_id, sql, { summarize: true });
  expect(result.data).toEqual([{ n: 1 }]);
  expect(sent.map((request) => request.url.slice("https://gateway.example".length))).toEqual([
    "/llm/generate-sql/db/3",
    "/llm/execute-sql/db/3/s-1?summarize=true",
  ]);
  expect(await sent[1]?.json()).toEqual({ query: "SELECT 1" });
});

test("a question that can't be answered says why", async () => {
  const { client } = scripted(() => problem(422));
  await expect(generateSql(client, 3, "?")).rejects.toThrow("Do this.");
});
