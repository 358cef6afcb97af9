import { expect, it } from "vitest";
import { translated } from "./model-texts";

const model = (translations?: Record<string, unknown>) => ({ name: "m", version: "1", translations });

it("translates what a model knows, and leaves the rest as it is", () => {
  const models = [model(), model({ ko: "broken" }), model({ ko: { malignant: "악성", number: 1 } })];
  expect(translated(models, "ko", "malignant")).toBe("악성");
  expect(translated(models, "en", "malignant")).toBe("malignant");
  for (const text of ["benign", "number", "toString"]) expect(translated(models, "ko", text)).toBe(text);
});
