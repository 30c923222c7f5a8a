import { MAX_JSON_DEPTH } from "@bucketbridge/core";

/** A JSON value that the database takes, or what is wrong with it. */
export type StorableResult = { readonly value: unknown } | { readonly problem: string };

const NULL_CHARACTER = "\u0000";

/**
 * Checks a parsed JSON value before it is stored: U+0000 cannot be stored, a half of a surrogate pair becomes U+FFFD, and
 * what is nested deeper than `MAX_JSON_DEPTH` is refused.
 */
export function toStorable(value: unknown): StorableResult {
  const complaints = new Set<string>();
  const copy = sanitize(value, 1, complaints);
  const [problem] = complaints;
  return problem === undefined ? { value: copy } : { problem };
}

function sanitize(value: unknown, depth: number, complaints: Set<string>): unknown {
  if (typeof value === "string") return sanitizeText(value, complaints);
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_JSON_DEPTH) {
    complaints.add("The value is nested too deeply.");
    return null;
  }
  if (Array.isArray(value)) return value.map((item) => sanitize(item, depth + 1, complaints));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      sanitizeText(key, complaints),
      sanitize(item, depth + 1, complaints),
    ]),
  );
}

function sanitizeText(text: string, complaints: Set<string>): string {
  if (text.includes(NULL_CHARACTER)) complaints.add("Null characters are not allowed.");
  return text.toWellFormed();
}
