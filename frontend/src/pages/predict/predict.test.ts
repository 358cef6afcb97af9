import { describe, expect, test } from "vitest";
import { examplesOf } from "./examples";
import { fileMembers, formSchema, requestBody } from "./schema";
import { faultsOf } from "./validate";

const NUMBERS = {
  type: "object",
  required: ["features"],
  properties: {
    model: { type: "string" },
    features: {
      type: "object",
      required: ["size", "count"],
      properties: { size: { type: "number", minimum: 0, maximum: 10 }, count: { type: "integer" } },
    },
  },
};
const PICTURE = {
  type: "object",
  properties: {
    version: { type: "string" },
    image: { type: "string", contentEncoding: "base64" },
    image_path: { type: "string" },
  },
  oneOf: [{ required: ["image"] }, { required: ["image_path"] }],
};
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

describe("the form's schema", () => {
  test("leaves out what the page has a control for", () => {
    expect(Object.keys(formSchema(NUMBERS).properties as object)).toEqual(["features"]);
  });

  test("asks for the first of alternatives that differ in what they require", () => {
    const schema = formSchema(PICTURE);
    expect(Object.keys(schema.properties as object)).toEqual(["image"]);
    expect(schema.required).toEqual(["image"]);
    expect(schema.oneOf).toBeUndefined();
  });
});

describe("the check of an input", () => {
  test("finds nothing wrong with a right one", () => {
    expect(faultsOf(formSchema(NUMBERS), { features: { size: 1, count: 2 } })).toEqual([]);
  });

  test("points to each member that is missing or beyond its bounds, and to no object around it", () => {
    const faults = faultsOf(formSchema(NUMBERS), { features: { size: 11, count: undefined } });
    expect(faults.map(({ path }) => path.join("."))).toEqual(["features.count", "features.size"]);
  });
});

describe("the body", () => {
  test("is a form with the file itself if there is one", async () => {
    const body = requestBody({ patient_name: "홍길동" }, { image: PNG }, fileMembers(formSchema(PICTURE)));
    expect(body).toBeInstanceOf(FormData);
    const image = (body as FormData).get("image") as File;
    expect([image.type, image.size]).toEqual(["image/png", 70]);
    expect((body as FormData).get("patient_name")).toBe("홍길동");
  });

  test("is JSON otherwise", () => {
    expect(requestBody({ patient_name: "a" }, { features: { size: 1 } }, [])).toEqual({
      patient_name: "a",
      features: { size: 1 },
    });
  });
});

test("example patients differ, say that they are invented, and stay within the schema", () => {
  const example = { model: "m", features: { size: 9, count: 3 } };
  const found = examplesOf({ name: "m", version: "1", input_schema: NUMBERS, example });
  expect(found.map(({ input }) => input)).toEqual([
    { features: { size: 9, count: 3 } },
    { features: { size: 6.48, count: 2 } },
    { features: { size: 9, count: 4 } }, // 12.15 would be beyond the maximum
  ]);
  expect(found.every(({ patient }) => /예시|example/.test(patient))).toBe(true);
});
