import { joinKey } from "./invalid-value.ts";

/** Constants that some writers put where JSON has a number. */
const CONSTANTS = ["NaN", "Infinity", "-Infinity"] as const;
const FIRST_CHARACTERS = "NI-";

/** Where a constant stands in a text that therefore is no JSON. */
export interface FoundConstant {
  readonly word: string;
  /** `result[0].value.score`; empty for the text as a whole. */
  readonly path: string;
}

/** The first NaN, Infinity or -Infinity outside strings; undefined when something else is wrong with the text. */
export function findConstant(text: string): FoundConstant | undefined {
  const place: Place = { steps: [], lastText: "" };
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '"') {
      const end = endOfText(text, index);
      place.lastText = text.slice(index, end);
      index = end - 1;
    } else if (FIRST_CHARACTERS.includes(character)) {
      const word = CONSTANTS.find((constant) => text.startsWith(constant, index));
      if (word !== undefined) return { word, path: toPath(place.steps) };
    } else move(place, character);
  }
  return undefined;
}

/** Keys and indexes down to where the reader is, and the string that it read last. */
interface Place {
  readonly steps: (string | number)[];
  lastText: string;
}

function move({ steps, lastText }: Place, character: string): void {
  const last = steps.at(-1);
  switch (character) {
    case "{":
      steps.push("");
      break;
    case "[":
      steps.push(0);
      break;
    case "}":
    case "]":
      steps.pop();
      break;
    case ",":
      if (typeof last === "number") steps[steps.length - 1] = last + 1;
      break;
    case ":":
      if (typeof last === "string") steps[steps.length - 1] = lastText;
      break;
  }
}

/** Behind the closing quote; the end of the text when there is none. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charAt(end - 1 - escapes) === "\\") escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}

function toPath(steps: readonly (string | number)[]): string {
  return steps.reduce<string>(
    (path, step) =>
      typeof step === "number" ? `${path}[${String(step)}]` : joinKey(path, toKey(step)),
    "",
  );
}

/** The key that a string of the text stands for; the string itself when it is no JSON either. */
function toKey(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
