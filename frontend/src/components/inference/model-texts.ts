import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { type Model, modelsQuery } from "@/api/models";
import { isObject } from "@/lib/json";

export type TextOf = (text: string) => string;

/** Translates a model's text, such as the name of an input or a class. What no model translates stays as it is. */
export function useModelText(): TextOf {
  const { i18n } = useLingui();
  const { data: models } = useQuery({ ...modelsQuery, enabled: i18n.locale !== "en" });
  return (text) => translated(models ?? [], i18n.locale, text);
}

export function translated(models: readonly Model[], locale: string, text: string): string {
  for (const { translations } of models) {
    const texts = translations?.[locale];
    const found = isObject(texts) && Object.hasOwn(texts, text) ? texts[text] : undefined;
    if (typeof found === "string") return found;
  }
  return text;
}
