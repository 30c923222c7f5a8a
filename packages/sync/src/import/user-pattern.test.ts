import { isAppError } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { compileUserPattern } from "./user-pattern.ts";

/** Verdicts of `re.match` of CPython 3.11. */
const PYTHON_VERDICTS: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ["", "anything", true],
  [".*", "a/b.jpg", true],
  [".*jpg", "a.jpg.txt", true],
  [String.raw`.*\.jpg$`, "a.jpg.txt", false],
  [String.raw`.*\.jpg$`, "a.jpg\n", true],
  [String.raw`.*\.jpg\Z`, "a.jpg\n", false],
  [String.raw`.*\.jpg\Z`, "a.jpg", true],
  ["jpg", "a.jpg", false],
  ["a|b", "b", true],
  ["a|b", "xb", false],
  ["^a|^b", "b", true],
  [String.raw`\Aa`, "a", true],
  ["(?i)A.JPG", "a.jpg", true],
  ["(?i:a)B", "AB", true],
  ["(?i:a)B", "Ab", false],
  ["(?i)(?s)a.b", "A\nB", true],
  ["(?m)a$", "a\nb", true],
  ["a$", "a\nb", false],
  ["(?P<stem>[a-z]+)_x", "ab_x", true],
  ["(?P<größe>a)", "a", true],
  ["a(?#a note)b", "ab", true],
  ["a(?#a note)*b", "aaab", true],
  ["a{,2}b", "aab", true],
  ["a{,2}b", "aaab", false],
  ["a{,}b", "aaab", true],
  ["a{}", "a{}", true],
  ["a{1(?#),2}", "a{1,2}", true],
  ["a{b}", "a{b}", true],
  [String.raw`\w+\.jpg`, "фото.jpg", true],
  [String.raw`\W`, "é", false],
  [String.raw`[\W_]+x`, "-_x", true],
  [String.raw`[^\W_]`, "_", false],
  [String.raw`[^\W_]`, "é", true],
  [String.raw`\d`, "٣", true],
  [String.raw`[\D]`, "٣", false],
  [String.raw`\s`, "\u00a0", true],
  [String.raw`[^\S]`, "\u2003", true],
  [String.raw`[\S]`, "\u2003", false],
  [String.raw`\u0436\U0001F600\x41`, "ж😀A", true],
  [String.raw`\101\0`, "A\0", true],
  [String.raw`[\b\1]`, "\b", true],
  ["[]a]", "]", true],
  ["[[:alpha:]]", "a]", true],
  ["[[:alpha:]]", "z", false],
  ["[a&&b]", "&", true],
  ["[a-]", "-", true],
  [".", "😀", true],
  ["a.b", "a\nb", false],
];

describe("compileUserPattern", () => {
  it.each(PYTHON_VERDICTS)("judges %j on %j as Python does: %j", (pattern, text, matches) => {
    expect(compileUserPattern(pattern).test(text)).toBe(matches);
  });

  it.each([
    ["a(?=b)", "lookahead"],
    ["a(?!b)", "lookahead"],
    ["(?<=a)b", "lookbehind"],
    ["(?<!a)b", "lookbehind"],
    [String.raw`(a)\1`, String.raw`backreferences, \1`],
    ["(?P<n>a)(?P=n)", "backreferences, (?P=name)"],
    ["(?>a)", "atomic groups"],
    ["a++", "possessive repeats such as ++"],
    ["a{2}+", "possessive repeats"],
    ["(a)?(?(1)b|c)", "conditional groups"],
    ["(?x)a b", "the flag x"],
    ["(?a)a", "the flag a"],
    ["(?iu)a", "the flag u"],
    ["(?L:a)", "the flag L"],
    [String.raw`\N{DIGIT ONE}`, String.raw`\N{…}`],
    ["a{1001}", "repeat counts above 1000"],
    ["(?:a{100}){100}", "repeat counts that multiply"],
    [String.raw`(?:\w?\d?x?){900}`, "repeat counts that multiply"],
  ])("refuses %j and names the construct", (pattern, construct) => {
    expect(refusal(pattern)).toMatchObject({
      code: "invalid_input",
      reason: "pattern.unsupported",
      message: expect.stringContaining(construct) as string,
    });
  });

  it.each([
    "(a",
    "a)",
    "a)|(?:b",
    "[a",
    "[z-a]",
    String.raw`[a-\d]`,
    String.raw`[\d-z]`,
    "*a",
    "a**",
    "^*",
    "a{2}{3}",
    "a{3,2}",
    "\\",
    "[\\",
    String.raw`\q`,
    String.raw`\p{L}`,
    String.raw`\Q.\E`,
    String.raw`\1`,
    String.raw`[\8]`,
    String.raw`\400`,
    String.raw`\x4`,
    String.raw`\ud800`,
    String.raw`\U00110000`,
    "a(?i)b",
    "(?-i)a",
    "(?i",
    "(?q)a",
    "(?P<1>a)",
    "(?P<n>a)(?P<n>b)",
    "(?<n>a)",
    "(?#a",
    "\ud800",
  ])("refuses %j, which Python refuses too", (pattern) => {
    expect(refusal(pattern)).toMatchObject({ code: "invalid_input", reason: "pattern.invalid" });
  });

  it("refuses a pattern over the length cap before it looks at it", () => {
    expect(refusal("(".repeat(513))).toMatchObject({ reason: "pattern.too_long" });
    expect(compileUserPattern("a".repeat(512)).test("a".repeat(512))).toBe(true);
  });

  // A backtracking engine needs 2^n steps for these: with `RegExp` this test does not end.
  it.each([
    "(a+)+$",
    "^(a+)+$",
    "(.*a){25}$",
    "(a|a)*$",
    String.raw`(\w+\W?)+$`,
    "(?:.*a.{5}){9}b",
  ])("matches %j in linear time", (pattern) => {
    const compiled = compileUserPattern(pattern);
    expect(compiled.test(`${"a".repeat(1_023)}!`)).toBe(pattern === String.raw`(\w+\W?)+$`);
    for (let key = 0; key < 100_000; key++)
      compiled.test(`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/${String(key)}!`);
  });

  it("keeps compiled patterns, the most recently used 64 of them", () => {
    const kept = compileUserPattern("kept");
    const dropped = compileUserPattern("dropped");
    for (let index = 0; index < 62; index++) compileUserPattern(`filler${String(index)}`);
    expect(compileUserPattern("kept")).toBe(kept);
    compileUserPattern("one more");
    expect(compileUserPattern("kept")).toBe(kept);
    expect(compileUserPattern("dropped")).not.toBe(dropped);
  });
});

function refusal(pattern: string): unknown {
  try {
    compileUserPattern(pattern);
  } catch (error) {
    expect(isAppError(error)).toBe(true);
    return error;
  }
  return undefined;
}
