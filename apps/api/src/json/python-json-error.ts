/** What V8 complains about, and how the contract's parser puts it. The first match counts (V8 of Node 24). */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [
    /^Expected property name|^Expected double-quoted property name/,
    "Expecting property name enclosed in double quotes",
  ],
  [/^Expected ',' or/, "Expecting ',' delimiter"],
  [/^Expected ':'/, "Expecting ':' delimiter"],
  [/^Unterminated string/, "Unterminated string starting at"],
  [/^Bad control character/, "Invalid control character at"],
  [/^Bad (?:Unicode )?escape/, "Invalid \\escape"],
  [/^Unexpected non-whitespace character after JSON/, "Extra data"],
];

/**
 * The message of a failed JSON parse in the contract's words, with line, column (from 1) and character (from 0):
 * `Expecting value: line 1 column 1 (char 0)`.
 */
export function toPythonParseError(error: Error, text: string): string {
  const phrase = PHRASES.find(([pattern]) => pattern.test(error.message))?.[1] ?? "Expecting value";
  const found = /at position (\d+)/.exec(error.message)?.[1];
  const position = found === undefined ? firstOffence(error, text) : Number(found);
  const before = text.slice(0, position).split("\n");
  const column = (before.at(-1) ?? "").length + 1;
  return `${phrase}: line ${String(before.length)} column ${String(column)} (char ${String(position)})`;
}

/** V8 names the token but not always its place: the end of the text for a premature end, else the token's place. */
function firstOffence(error: Error, text: string): number {
  if (error.message.includes("end of JSON input")) return text.length;
  const token = /^Unexpected token '(.+?)'/su.exec(error.message)?.[1];
  const index = token === undefined ? -1 : text.indexOf(token);
  return Math.max(index, 0);
}
