import type { MlProxy } from "./client.js";
import { nextCursor } from "./link.js";
import type { Inference, operations } from "./schema.js";

export type { Inference };

/** What to look for: `doctor`, `patient`, `since`, `until`, `limit`; without `patient` also `model` and `verdict`. */
export type HistoryFilter = Omit<NonNullable<operations["list_history"]["parameters"]["query"]>, "cursor">;

export interface Page<Row> {
  rows: Row[];
  /** The cursor of the next page; null on the last one. */
  next: string | null;
}

/** One page of history, newest first. Throws `ProblemError`. */
export async function historyPage(
  client: MlProxy,
  filter: HistoryFilter = {},
  cursor: string | null = null,
  signal?: AbortSignal,
): Promise<Page<Inference>> {
  const query = { ...filter, ...(cursor === null ? {} : { cursor }) };
  const { data, response } = await client.api.GET("/ml/v1/history/", { params: { query }, signal: signal ?? null });
  return { rows: data ?? [], next: nextCursor(response.headers.get("Link")) };
}

/** All that matches, newest first; the next page is read when it is needed. */
export async function* history(client: MlProxy, filter: HistoryFilter = {}): AsyncGenerator<Inference> {
  let cursor: string | null = null;
  do {
    const page: Page<Inference> = await historyPage(client, filter, cursor);
    yield* page.rows;
    cursor = page.next;
  } while (cursor !== null);
}
