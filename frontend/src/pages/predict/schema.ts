import { isObject } from "@/lib/json";

export type Schema = Record<string, unknown>;
type Input = Record<string, unknown>;

/** Members that the page sets itself, because it has a control of its own for them. */
const OWN = new Set(["model", "version", "doctor_name", "patient_name"]);

/**
 * The part of a model's schema that the form asks for. Of alternatives that differ only in what they require, such as a
 * picture or the path of one, it asks for the first.
 */
export function formSchema(schema: Schema): Schema {
  const { oneOf, anyOf, ...rest } = schema;
  const alternatives = [oneOf, anyOf].flatMap((listed) => (Array.isArray(listed) ? listed : []));
  const isOnlyRequired = alternatives.every((each) => isObject(each) && Object.keys(each).join() === "required");
  const wanted = isOnlyRequired ? alternatives.map(({ required }) => required as string[]) : [];
  const [first = [], ...others] = wanted;
  const hidden = new Set(others.flat().filter((name) => !first.includes(name)));
  const properties = Object.entries(isObject(schema.properties) ? schema.properties : {});
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  return {
    ...(isOnlyRequired ? rest : schema),
    properties: Object.fromEntries(properties.filter(([name]) => !OWN.has(name) && !hidden.has(name))),
    required: [...required, ...first].filter((name) => !OWN.has(name)),
    $schema: undefined, // the form library knows no dialects
  };
}

/** Names of the members that are files in base64. */
export function fileMembers(schema: Schema): string[] {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return Object.entries(properties)
    .filter(([, member]) => isObject(member) && member.contentEncoding === "base64")
    .map(([name]) => name);
}

/** The body for a model: a form with the files themselves if all else is flat, so that the log keeps them as files. */
export function requestBody(names: Input, input: Input, files: readonly string[]): FormData | Input {
  const isFlat = Object.entries(input).every(([name, value]) => files.includes(name) || typeof value !== "object");
  if (files.length === 0 || !isFlat) return { ...names, ...input };
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...names, ...input })) {
    if (value === undefined) continue;
    if (files.includes(name)) form.append(name, blobOf(String(value)), "picture");
    else form.append(name, String(value));
  }
  return form;
}

/** The bytes of base64 or of a data URL. */
function blobOf(text: string): Blob {
  const [, type = "application/octet-stream", data = text] = text.match(/^data:([^;,]+);base64,(.*)$/s) ?? [];
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type });
}
