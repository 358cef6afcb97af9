import { queryOptions } from "@tanstack/react-query";
import { isObject } from "@/lib/json";
import { client } from "./client";

/** What the console uses of a model in `GET /ml/v1/model-info/`; another model server may tell less. */
export type Model = {
  name: string;
  version: string;
  input_schema?: Record<string, unknown>;
  example?: Record<string, unknown>;
  classes?: string[];
  translations?: Record<string, unknown>;
};

/** The models that answer predictions, the default one first. */
export const modelsQuery = queryOptions({
  queryKey: ["models"],
  staleTime: 60_000,
  queryFn: async ({ signal }): Promise<Model[]> => {
    const info: unknown = await (await client.send("/ml/v1/model-info/", { signal })).json();
    const listed = isObject(info) && Array.isArray(info.models) ? info.models : [info];
    return listed.filter(isObject).map((model) => ({
      name: String(model.name ?? ""),
      version: String(model.version ?? ""),
      input_schema: isObject(model.input_schema) ? model.input_schema : undefined,
      example: isObject(model.example) ? model.example : undefined,
      classes: Array.isArray(model.classes) ? model.classes.map(String) : undefined,
      translations: isObject(model.translations) ? model.translations : undefined,
    }));
  },
});

/** The classes of one model version, or those that its answer names. */
export function classesOf(models: Model[] | undefined, name: string, fallback: readonly string[]): readonly string[] {
  return models?.find((model) => model.name === name)?.classes ?? fallback;
}
