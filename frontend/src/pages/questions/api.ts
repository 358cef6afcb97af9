import { nextCursor, ProblemError } from "@ml-proxy/client";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, client } from "@/api/client";

export type Database = { id: number; kor_name: string; eng_name: string; description: string; engine: string };
export type Table = { name: string; kor_name: string; hidden: boolean; columns: { name: string; hidden: boolean }[] };
export type Example = { id: number; question: string; sql: string };
export type Earlier = { session_id: string; question: string; sql: string };
export type Row = Record<string, unknown>;

export const databasesQuery = queryOptions({
  queryKey: ["databases"],
  queryFn: async ({ signal }) => ((await api.GET("/ddp/db", { signal })).data ?? []) as Database[],
});

export const tablesQuery = (database: number) =>
  queryOptions({
    queryKey: ["databases", database, "tables"],
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<Table[]> =>
      (await client.send(`/ddp/db/${database}/table`, { signal })).json(),
  });

export const examplesQuery = (database: number) =>
  queryOptions({
    queryKey: ["databases", database, "examples"],
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<Example[]> =>
      (await client.send(`/ddp/db/${database}/example`, { signal })).json(),
  });

const EARLIER = 20; // a page

/** The caller's own questions that were answered with SQL, newest first. Another caller may sign in on the page. */
export const earlierQuery = (caller: string, database: number) =>
  infiniteQueryOptions({
    queryKey: ["databases", database, "earlier", caller],
    queryFn: async ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(EARLIER), cursor: pageParam });
      const response = await client.send(`/llm/questions/db/${database}?${query}`, { signal });
      return { entries: (await response.json()) as Earlier[], next: nextCursor(response.headers.get("Link")) };
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });

/** What is to be kept: a statement, and the question that it answers. `isAnswer` is false if a person wrote it all. */
export type Kept = { database: number; sessionId: string; question: string; sql: string; isAnswer: boolean };

/** Keeps a question with its SQL as a verified example. Throws `ProblemError`. */
export async function keep({ database, sessionId, question, sql, isAnswer }: Kept): Promise<void> {
  const path = isAnswer ? `/llm/execute-sql/db/${database}/${sessionId}/verify` : `/ddp/db/${database}/example`;
  await client.send(path, json(isAnswer ? { query: sql } : { question, sql }));
}

/** The rows of a statement as CSV for spreadsheets: with a byte order mark, and no cell that is a formula. */
export async function csvOf(database: number, sessionId: string, sql: string): Promise<Blob> {
  const path = `/llm/execute-sql/db/${database}/${sessionId}?format=csv&bom=1&safe_cells=1`;
  return (await client.send(path, json({ query: sql }))).blob();
}

const HELP = {
  "urn:ml-proxy:problem:model-needed": "model-needed",
  "urn:ml-proxy:problem:cannot-answer": "cannot-answer",
  "urn:ml-proxy:problem:not-answered": "not-answered",
} as const;
export type Help = (typeof HELP)[keyof typeof HELP];

/** What kind of help a question needs that found no SQL; undefined if the error is a fault. */
export function helpFor(error: unknown): Help | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  return HELP[error.problem.type as keyof typeof HELP];
}

function json(body: unknown): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}
