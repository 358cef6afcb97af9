import type { Example, Row, Table } from "./api";

// Texts and comments, which name no table. Quoted names stay.
const NOT_NAMES = /'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\//g;
const NAMES = /[\p{L}_][\p{L}\p{N}_$]*/gu;

/** The known tables that a statement names. */
export function tablesIn(sql: string, tables: Table[]): Table[] {
  const names = new Set((sql.replace(NOT_NAMES, " ").match(NAMES) ?? []).map((name) => name.toLowerCase()));
  return tables.filter(({ name, hidden }) => !hidden && names.has(name.toLowerCase()));
}

/** The examples whose questions are the most like a text, the most alike first. */
export function nearest(text: string, examples: Example[], count: number): Example[] {
  const wanted = pairs(text);
  const likeness = ({ question }: Example) => {
    const own = pairs(question);
    const common = [...own].filter((pair) => wanted.has(pair)).length;
    return (2 * common) / (own.size + wanted.size || 1);
  };
  const scored = examples.map((example) => ({ example, score: likeness(example) }));
  return scored
    .sort((one, other) => other.score - one.score)
    .slice(0, count)
    .map(({ example }) => example);
}

/** The examples in the language of the reader, or all if there are none in it. */
export function inLanguage(isKorean: boolean, examples: Example[]): Example[] {
  const found = examples.filter(({ question }) => hasKorean(question) === isKorean);
  return found.length > 0 ? found : examples;
}

export function hasKorean(text: string): boolean {
  return /\p{Script=Hangul}/u.test(text);
}

function pairs(text: string): Set<string> {
  const letters = text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  return new Set(Array.from({ length: Math.max(0, letters.length - 1) }, (_, at) => letters.slice(at, at + 2)));
}

export type ChartShape = { kind: "bars" | "line"; category: string; values: string[] };

const MOST_CATEGORIES = 60;
const MOST_VALUES = 3;
const DATE = /^\d{4}-\d\d/;

/** How rows can be drawn: one column names them, up to three have numbers. Null if a chart says nothing. */
export function chartOf(columns: string[], rows: Row[]): ChartShape | null {
  if (rows.length < 2 || rows.length > MOST_CATEGORIES) return null;
  const values = columns.filter((name) => !isKey(name) && isNumeric(name, rows));
  const category = columns.find((name) => !values.includes(name) && !isKey(name)) ?? columns.find(isTime);
  const shown = values.filter((name) => name !== category).slice(0, MOST_VALUES);
  if (!category || shown.length === 0) return null;
  const isOverTime = isTime(category) || rows.every((row) => DATE.test(String(row[category])));
  return { kind: isOverTime ? "line" : "bars", category, values: shown };
}

function isNumeric(name: string, rows: Row[]): boolean {
  return (
    rows.every((row) => typeof row[name] === "number" || row[name] === null) && rows.some((row) => row[name] !== null)
  );
}

function isKey(name: string): boolean {
  return /^id$|_id$/i.test(name);
}

function isTime(name: string): boolean {
  return /^(?:year|month|date|day|연도|년도|월|날짜|일자)$/i.test(name);
}

/** A value as a reader wants it. Numbers of a key or a year have no separators. */
export function shown(name: string, value: unknown, locale: string): string {
  if (value === null || value === undefined) return "—";
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value !== "number" || isKey(name) || isTime(name)) return String(value);
  return value.toLocaleString(locale, { maximumFractionDigits: 20 });
}
