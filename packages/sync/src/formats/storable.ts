import type { RowProblem } from "./items.ts";

/** Characters of a path in a message; deep and long keys are cut. */
const MAX_PATH_CHARS = 200;

/**
 * The first value in a document of bounded depth that PostgreSQL's `jsonb` refuses or JSON cannot carry: U+0000 or half of a surrogate
 * pair in a string or key, a number that is not finite. Undefined when there is none.
 */
export function findUnstorable(value: unknown): RowProblem | undefined {
  const found = search(value);
  if (found === undefined) return undefined;
  const path = `$${found.path.reverse().join("")}`.slice(0, MAX_PATH_CHARS).toWellFormed();
  return { code: found.code, message: `${found.what} at ${path}: remove or replace it` };
}

interface Finding {
  readonly code: RowProblem["code"];
  readonly what: string;
  /** Innermost step first. */
  readonly path: string[];
}

function search(value: unknown): Finding | undefined {
  if (typeof value === "string") return textFinding(value, "a value");
  if (typeof value === "number") {
    if (Number.isFinite(value)) return undefined;
    return {
      code: "number_out_of_range",
      what: "it holds a number that no double can carry",
      path: [],
    };
  }
  if (typeof value !== "object" || value === null) return undefined;
  return Array.isArray(value) ? searchList(value) : searchObject(value as Record<string, unknown>);
}

function searchList(list: readonly unknown[]): Finding | undefined {
  for (let index = 0; index < list.length; index++) {
    const found = search(list[index]);
    if (found === undefined) continue;
    found.path.push(`[${String(index)}]`);
    return found;
  }
  return undefined;
}

function searchObject(object: Record<string, unknown>): Finding | undefined {
  for (const key of Object.keys(object)) {
    const found = textFinding(key, "a key") ?? search(object[key]);
    if (found === undefined) continue;
    found.path.push(
      `.${key.toWellFormed().replaceAll("\u0000", "\uFFFD").slice(0, MAX_PATH_CHARS)}`,
    );
    return found;
  }
  return undefined;
}

function textFinding(text: string, where: string): Finding | undefined {
  if (text.includes("\u0000"))
    return { code: "unstorable_text", what: `U+0000 in ${where}`, path: [] };
  if (text.isWellFormed()) return undefined;
  return { code: "unstorable_text", what: `half of a surrogate pair in ${where}`, path: [] };
}
