import { Validator } from "@cfworker/json-schema";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { isObject } from "@/lib/json";
import type { Schema } from "./schema";

/** What is wrong, by the path of names to it. */
export type Fault = { path: readonly string[]; message: MessageDescriptor };

/** Checks an input without `eval`, which the content security policy forbids. */
export function faultsOf(schema: Schema, input: unknown): Fault[] {
  const { errors } = new Validator(withoutUndefined(schema), "2020-12", false).validate(withoutUndefined(input));
  const faults = errors.map(({ keyword, keywordLocation, instanceLocation, error }) => {
    const path = names(instanceLocation);
    if (keyword === "required")
      return { path: [...path, /"(.*)"/.exec(error)?.[1] ?? ""], message: msg`Enter a value.` };
    return { path, message: messageOf(keyword, at(schema, names(keywordLocation)), error) };
  });
  return faults.filter(({ path }) => !faults.some((other) => isBelow(other.path, path)));
}

function messageOf(keyword: string, limit: unknown, error: string): MessageDescriptor {
  const value = typeof limit === "object" ? "" : String(limit);
  const messages: Record<string, MessageDescriptor> = {
    minimum: msg`Must be at least ${value}.`,
    exclusiveMinimum: msg`Must be more than ${value}.`,
    maximum: msg`Must be at most ${value}.`,
    exclusiveMaximum: msg`Must be less than ${value}.`,
    type: msg`Must be of the type ${value}.`,
    maxLength: msg`Must have at most ${value} characters.`,
    minLength: msg`Must have at least ${value} characters.`,
    enum: msg`Must be one of the choices.`,
  };
  return messages[keyword] ?? { id: error, message: error };
}

/** A fault of an object only repeats those of its members. */
function isBelow(path: readonly string[], above: readonly string[]): boolean {
  return path.length > above.length && above.every((name, place) => path[place] === name);
}

function names(pointer: string): string[] {
  const parts = pointer.replace(/^#\/?/, "").split("/").filter(Boolean);
  return parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner: unknown, name) => (isObject(inner) ? inner[name] : undefined), value);
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
