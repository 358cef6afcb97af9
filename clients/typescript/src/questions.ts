import type { MlProxy } from "./client.js";
import type { ExecutionResponse, QuestionResponse } from "./schema.js";

export type { ExecutionResponse, QuestionResponse };

export interface ExecuteOptions {
  /** Also asks for a sentence that sums up the rows. */
  summarize?: boolean;
  signal?: AbortSignal;
}

/** The SQL for a question. Throws `ProblemError`: a 422 says what is missing, or asks back. */
export async function generateSql(
  client: MlProxy,
  databaseId: number,
  question: string,
  signal?: AbortSignal,
): Promise<QuestionResponse> {
  const { data } = await client.api.POST("/llm/generate-sql/db/{database_id}", {
    params: { path: { database_id: databaseId } },
    body: { question },
    signal: signal ?? null,
  });
  return data as QuestionResponse;
}

/** Runs a SELECT in a question's session; the SQL may have been edited. Throws `ProblemError`. */
export async function executeSql(
  client: MlProxy,
  databaseId: number,
  sessionId: string,
  sql: string,
  { summarize = false, signal }: ExecuteOptions = {},
): Promise<ExecutionResponse> {
  const { data } = await client.api.POST("/llm/execute-sql/db/{database_id}/{session_id}", {
    params: {
      path: { database_id: databaseId, session_id: sessionId },
      query: { summarize: summarize ? "true" : "false" },
    },
    body: { query: sql },
    signal: signal ?? null,
  });
  return data as ExecutionResponse;
}
