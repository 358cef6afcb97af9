export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Each value that holds no other, with the names on the way to it: `{a: [1]}` becomes `[["a", "0"], 1]`. */
export function leaves(value: unknown, path: readonly string[] = []): [readonly string[], unknown][] {
  const members = isObject(value) ? Object.entries(value) : Array.isArray(value) ? [...value.entries()] : [];
  if (members.length === 0) return [[path, value]];
  return members.flatMap(([name, inner]) => leaves(inner, [...path, String(name)]));
}

/** The number at a name, if it is one. */
export function numberAt(value: unknown, name: string): number | undefined {
  const found = isObject(value) ? value[name] : undefined;
  return typeof found === "number" ? found : undefined;
}
