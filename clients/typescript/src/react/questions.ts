import { useMutation } from "@tanstack/react-query";

import { type ExecuteOptions, executeSql, generateSql } from "../questions.js";
import { useMlProxy } from "./context.js";

export interface SqlVariables {
  sessionId: string;
  sql: string;
}

/**
 * A question and its answer: `ask("…")` writes the SQL and runs it; `run({ sessionId, sql })` runs an edited one.
 *
 * `question.data` has the SQL while it runs; `rows.data` has the rows. Each has its own `error` and `isPending`.
 */
export function useQuestion(databaseId: number, options: Omit<ExecuteOptions, "signal"> = {}) {
  const client = useMlProxy();
  const question = useMutation({ mutationFn: (text: string) => generateSql(client, databaseId, text) });
  const rows = useMutation({
    mutationFn: ({ sessionId, sql }: SqlVariables) => executeSql(client, databaseId, sessionId, sql, options),
  });
  const ask = (text: string) => {
    rows.reset(); // the last answer's rows don't stand beside the new question
    question.mutate(text, {
      onSuccess: ({ session_id, sql }) => rows.mutate({ sessionId: session_id, sql }),
    });
  };
  return { ask, run: rows.mutate, question, rows };
}
