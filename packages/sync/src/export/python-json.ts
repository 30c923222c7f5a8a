import { AppError } from "@bucketbridge/core";
import { isRawNumber } from "../formats/exact-json.ts";

/** How exported JSON is laid out: one line as Python's `json.dumps`, or indented by two as its `indent=2`. */
export type JsonLayout = "line" | "indented";

/** Deeper than any document that the API takes in. */
const MAX_DEPTH = 1_024;

/**
 * JSON text as Label Studio writes it: `", "` and `": "` between values, everything beyond ASCII escaped, no final line
 * break. Keys keep their order; numbers keep their value (integers beyond 2^53 when they were parsed exactly). Values are
 * plain JSON; deeper than 1,024 levels is `invalid_input`.
 */
export function toPythonJson(value: unknown, layout: JsonLayout): string {
  const parts: string[] = [];
  write(value, parts, { layout, depth: 0 });
  return parts.join("");
}

interface Place {
  readonly layout: JsonLayout;
  readonly depth: number;
}

function write(value: unknown, parts: string[], place: Place): void {
  if (typeof value === "string") parts.push(quote(value));
  else if (typeof value !== "object" || value === null || isRawNumber(value)) {
    parts.push(JSON.stringify(value ?? null));
  } else if (Array.isArray(value)) writeArray(value, parts, place);
  else writeObject(value as Readonly<Record<string, unknown>>, parts, place);
}

function writeArray(values: readonly unknown[], parts: string[], place: Place): void {
  if (values.length === 0) {
    parts.push("[]");
    return;
  }
  const inner = deeper(place);
  parts.push("[");
  values.forEach((item, index) => {
    parts.push(separator(index, inner));
    write(item, parts, inner);
  });
  parts.push(ending(place), "]");
}

function writeObject(
  object: Readonly<Record<string, unknown>>,
  parts: string[],
  place: Place,
): void {
  const entries = Object.entries(object).filter(([, item]) => item !== undefined);
  if (entries.length === 0) {
    parts.push("{}");
    return;
  }
  const inner = deeper(place);
  parts.push("{");
  entries.forEach(([key, item], index) => {
    parts.push(separator(index, inner), quote(key), ": ");
    write(item, parts, inner);
  });
  parts.push(ending(place), "}");
}

function deeper({ layout, depth }: Place): Place {
  if (depth >= MAX_DEPTH) {
    throw new AppError({
      code: "invalid_input",
      message: `the document nests deeper than ${String(MAX_DEPTH)} levels`,
    });
  }
  return { layout, depth: depth + 1 };
}

function separator(index: number, { layout, depth }: Place): string {
  if (layout === "line") return index === 0 ? "" : ", ";
  return `${index === 0 ? "" : ","}\n${"  ".repeat(depth)}`;
}

function ending({ layout, depth }: Place): string {
  return layout === "line" ? "" : `\n${"  ".repeat(depth)}`;
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
