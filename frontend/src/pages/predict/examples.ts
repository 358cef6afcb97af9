import type { Model } from "@/api/models";
import { isObject } from "@/lib/json";

export type Example = { patient: string; input: Record<string, unknown> };

/** Invented patients: their names say so. Numbers differ by these factors from the model's own example. */
const PATIENTS = [
  ["홍길동 (예시)", 1],
  ["Jane Doe (example)", 0.72],
  ["김가온 (예시)", 1.35],
] as const;
const DIGITS = 4; // significant digits, as an instrument would report them

/** Example patients for a model, made from its own example within the bounds of its schema. */
export function examplesOf(model: Model): Example[] {
  if (!model.example) return [];
  const { model: _model, version: _version, doctor_name: _doctor, patient_name: _patient, ...input } = model.example;
  const examples = PATIENTS.map(([patient, factor]) => ({
    patient,
    input: scaled(input, model.input_schema, factor) as Record<string, unknown>,
  }));
  const isSame = JSON.stringify(examples[0]?.input) === JSON.stringify(examples[1]?.input);
  return isSame ? examples.slice(0, 1) : examples;
}

function scaled(value: unknown, schema: unknown, factor: number): unknown {
  if (!isObject(schema)) return value;
  if (isObject(value)) {
    const members = isObject(schema.properties) ? schema.properties : {};
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, scaled(inner, members[name], factor)]),
    );
  }
  if (typeof value !== "number" || factor === 1) return value;
  const moved = value * factor;
  const rounded = schema.type === "integer" ? Math.round(moved) : Number(moved.toPrecision(DIGITS));
  const low = typeof schema.minimum === "number" ? schema.minimum : -Infinity;
  const high = typeof schema.maximum === "number" ? schema.maximum : Infinity;
  return rounded >= low && rounded <= high ? rounded : value;
}
