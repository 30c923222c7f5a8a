import { describe, expect, it } from "vitest";
import { toPythonParseError } from "./python-json-error.ts";

function problemOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return toPythonParseError(error, text);
    throw error;
  }
  return "";
}

describe("toPythonParseError", () => {
  it.each([
    ["{bad", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
    ['{"a": }', "Expecting value: line 1 column 7 (char 6)"],
    ["nope", "Expecting value: line 1 column 2 (char 1)"],
    ['{"a" 1}', "Expecting ':' delimiter: line 1 column 6 (char 5)"],
    ['{"a": 1 "b": 2}', "Expecting ',' delimiter: line 1 column 9 (char 8)"],
    ["[1, 2", "Expecting ',' delimiter: line 1 column 6 (char 5)"],
    ["[1] [2]", "Extra data: line 1 column 5 (char 4)"],
    [
      '{"a":\n  1,\n  x}',
      "Expecting property name enclosed in double quotes: line 3 column 3 (char 13)",
    ],
    ['["a\nb"]', "Invalid control character at: line 1 column 4 (char 3)"],
  ])("explains %j", (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });
});
