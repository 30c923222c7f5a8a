import { expect, test } from "vitest";
import { parseTable } from "./table-rows.ts";

test.each([
  [
    "a,b\n1,x\n2,\n",
    [
      { a: 1, b: "x" },
      { a: 2, b: "" },
    ],
  ],
  ["a\n1\n\n2.5\n", [{ a: 1 }, { a: 2.5 }]],
  ["a,b\n1\n", [{ a: 1, b: "" }]],
  ['a,b\r\n"x\r\ny",""\r\n', [{ a: "x\r\ny", b: "" }]],
  ["a\n007\n", [{ a: "007" }]],
  ["a\n9007199254740993\n", [{ a: "9007199254740993" }]],
  ["a\n1\nx\n", [{ a: "1" }, { a: "x" }]],
  ["a\ntrue\n\nfalse", [{ a: true }, { a: false }]],
  [",b\n1,2", [{ "Unnamed: 0": 1, b: 2 }]],
  ["a,b\n1,", [{ a: 1, b: "" }]],
  ["", []],
  ["a,b\n", []],
])("%j", (text, rows) => {
  expect(parseTable(text, ",")).toEqual(rows);
});

test("a row with more cells than there are names is refused with its number", () => {
  expect(() => parseTable("a\n1\n1,2\n", ",")).toThrow("row 3 has 2 cells, the first 1");
});
