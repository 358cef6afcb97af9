import { describe, expect, it } from "vitest";
import { chartOf, inLanguage, nearest, shown, tablesIn } from "./statement";

const table = (name: string, hidden = false) => ({ name, kor_name: "", hidden, columns: [] });
const example = (id: number, question: string) => ({ id, question, sql: "" });

describe("tablesIn", () => {
  it("finds names, not texts and comments", () => {
    const sql = `SELECT 'customers' FROM Orders o JOIN "order_items" i -- products\n ON 1 = 1 /* hr */`;
    const known = ["customers", "orders", "order_items", "products", "hr"].map((name) => table(name));
    expect(tablesIn(sql, known).map(({ name }) => name)).toEqual(["orders", "order_items"]);
  });

  it("knows Korean names, and leaves hidden tables out", () => {
    const found = tablesIn("SELECT * FROM 주문, secret", [table("주문"), table("secret", true)]);
    expect(found.map(({ name }) => name)).toEqual(["주문"]);
  });
});

it("finds the examples that are the most like a question", () => {
  const examples = [example(1, "도시별 고객 수는?"), example(2, "월별 매출을 알려줘"), example(3, "Show sales")];
  expect(nearest("분기별 매출을 알려줘", examples, 2).map(({ id }) => id)).toEqual([2, 1]);
  expect(nearest("", examples, 1)).toHaveLength(1);
});

it("suggests examples in the reader's language, if there are any", () => {
  const examples = [example(1, "월별 매출"), example(2, "Sales by month")];
  expect(inLanguage(true, examples).map(({ id }) => id)).toEqual([1]);
  expect(inLanguage(false, examples).map(({ id }) => id)).toEqual([2]);
  expect(inLanguage(false, examples.slice(0, 1)).map(({ id }) => id)).toEqual([1]);
});

describe("chartOf", () => {
  it("draws numbers by their category, and never a key", () => {
    const rows = [
      { id: 1, city: "서울", n: 3 },
      { id: 2, city: "부산", n: null },
    ];
    expect(chartOf(["id", "city", "n"], rows)).toEqual({ kind: "bars", category: "city", values: ["n"] });
  });

  it("draws months and years as a line", () => {
    const months = [
      { m: "2026-01", n: 3 },
      { m: "2026-02", n: 4 },
    ];
    expect(chartOf(["m", "n"], months)?.kind).toBe("line");
    const years = [
      { year: 2025, n: 3 },
      { year: 2026, n: 4 },
    ];
    expect(chartOf(["year", "n"], years)).toEqual({ kind: "line", category: "year", values: ["n"] });
  });

  it("draws nothing of one row, or without numbers", () => {
    expect(chartOf(["city", "n"], [{ city: "a", n: 1 }])).toBeNull();
    expect(
      chartOf(
        ["a", "b"],
        [
          { a: "1", b: "2" },
          { a: "3", b: "4" },
        ],
      ),
    ).toBeNull();
  });
});

it("shows values", () => {
  expect(shown("total", 1234567.25, "en")).toBe("1,234,567.25");
  expect(shown("year", 2026, "en")).toBe("2026");
  expect(shown("order_id", 123456, "en")).toBe("123456");
  expect(shown("x", null, "en")).toBe("—");
});
