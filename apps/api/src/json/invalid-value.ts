import { MAX_JSON_DEPTH } from "@bucketbridge/core";

/** A part of a JSON value that cannot be stored as it is, and where it stands: `result[0].value.text`. */
export interface InvalidValue {
  readonly path: string;
  readonly problem: string;
}

const NULL_CHARACTER = "\u0000";
const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;

/**
 * The first part of a parsed JSON value that would not come back as it was sent: a text or a key with U+0000 or half of a
 * surrogate pair, a number beyond what a double holds, or nesting deeper than `MAX_JSON_DEPTH`. `path` names the value itself.
 */
export function findInvalidValue(
  value: unknown,
  path: string,
  depth = 1,
): InvalidValue | undefined {
  if (typeof value === "string") return findInvalidText(value, path);
  if (typeof value === "number" && !Number.isFinite(value))
    return { path, problem: "The number is out of range." };
  if (typeof value !== "object" || value === null) return undefined;
  if (depth > MAX_JSON_DEPTH) return { path, problem: "The value is nested too deeply." };
  if (Array.isArray(value)) return findInItems(value, path, depth);
  for (const [key, member] of Object.entries(value)) {
    const memberPath = joinKey(path, key);
    const found =
      findInvalidText(key, memberPath) ?? findInvalidValue(member, memberPath, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findInItems(
  items: readonly unknown[],
  path: string,
  depth: number,
): InvalidValue | undefined {
  for (const [index, item] of items.entries()) {
    const found = findInvalidValue(item, `${path}[${String(index)}]`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findInvalidText(text: string, path: string): InvalidValue | undefined {
  if (text.includes(NULL_CHARACTER)) return { path, problem: "Null characters are not allowed." };
  if (!text.isWellFormed()) return { path, problem: "Half of a surrogate pair is not allowed." };
  return undefined;
}

/** Path of a member: `a.b` for plain names, `a["b c"]` for others; JSON's escapes keep odd characters out of the answer. */
export function joinKey(path: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
