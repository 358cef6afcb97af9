import { Store } from "@/lib/store";

/** A question with its last statement. */
export type Earlier = {
  caller: string;
  database: number;
  question: string;
  sessionId: string;
  sql: string;
  isAnswer: boolean;
};

const MOST = 20;

/**
 * The questions since this page of the browser was loaded, newest first. They may name patients: so they are kept
 * nowhere else in the browser, and each caller sees their own only.
 */
export const earlier = new Store<Earlier[]>([]);

/** Adds a question, or renews its statement and its place. */
export function remember(entry: Earlier): void {
  const others = earlier.get().filter((each) => each.sessionId !== entry.sessionId && !isSame(each, entry));
  earlier.set([entry, ...others].slice(0, MOST));
}

function isSame(one: Earlier, other: Earlier): boolean {
  return one.caller === other.caller && one.database === other.database && one.question === other.question;
}
