import { Buffer, isUtf8 } from "node:buffer";
import type { ParquetParsers } from "hyparquet";
import { isRawNumber } from "../exact-json.ts";
import type { RowProblem } from "../items.ts";
import { readJson } from "../json-value.ts";

/** Stands in a decoded row for a value that no JSON document can carry. */
export class UnreadableValue {
  readonly problem: RowProblem;

  constructor(problem: RowProblem) {
    this.problem = problem;
  }
}

/**
 * Parsers for hyparquet that never throw: what cannot be read becomes an {@link UnreadableValue}, which costs its row and not the column. Dates
 * become `2026-01-31`, times of day with a date ISO 8601 in UTC with as many digits as there are, bytes text if they are UTF-8.
 */
export const VALUE_PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (value) => toTimestamp(value, 3),
  timestampFromMicroseconds: (value) => toTimestamp(value, 6),
  timestampFromNanoseconds: (value) => toTimestamp(value, 9),
  dateFromDays: (days) => {
    const date = toIso(days * 86_400_000);
    return typeof date === "string" ? date.slice(0, date.indexOf("T")) : date;
  },
  stringFromBytes: toText,
  jsonFromBytes: (bytes: Uint8Array | undefined) => {
    if (bytes === undefined) return undefined;
    const reading = readJson(toBuffer(bytes));
    return reading.ok
      ? reading.value
      : new UnreadableValue({ code: reading.code, message: reading.message });
  },
  geometryFromBytes: noGeometry,
  geographyFromBytes: noGeometry,
};

/**
 * A decoded value as JSON has it, or the first thing in it that JSON cannot carry. Integers beyond 2^53 become strings, since whoever reads JSON
 * by doubles would change them; NaN, with which tables mark what is missing, becomes null.
 */
export function toJsonValue(value: unknown): unknown {
  switch (typeof value) {
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "number":
      if (Number.isNaN(value)) return null;
      if (Number.isFinite(value)) return value;
      return new UnreadableValue({
        code: "number_out_of_range",
        message: "it holds an infinite number",
      });
    case "object":
      return value === null ? null : toJsonObject(value);
    case "undefined":
      return null;
    default:
      return value;
  }
}

function toJsonObject(value: object): unknown {
  if (value instanceof UnreadableValue || isRawNumber(value)) return value;
  if (value instanceof Uint8Array) return toText(value);
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return toJsonList(Array.from(value as ArrayLike<unknown>));
  const entries: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const converted = toJsonValue(inner);
    if (converted instanceof UnreadableValue) return converted;
    entries.push([key, converted]);
  }
  // Defines properties, where an assignment to __proto__ would set the prototype.
  return Object.fromEntries(entries);
}

function toJsonList(values: readonly unknown[]): unknown {
  const list: unknown[] = [];
  for (const inner of values) {
    const converted = toJsonValue(inner);
    if (converted instanceof UnreadableValue) return converted;
    list.push(converted);
  }
  return list;
}

function toText(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  if (isUtf8(bytes)) return toBuffer(bytes).toString();
  return new UnreadableValue({
    code: "value_unsupported",
    message: "it holds bytes that are no UTF-8 text",
  });
}

function noGeometry(): UnreadableValue {
  return new UnreadableValue({
    code: "value_unsupported",
    message: "it holds a geometry: write it as text or JSON",
  });
}

function toTimestamp(value: bigint, digits: 3 | 6 | 9): unknown {
  const perMillisecond = 10n ** BigInt(digits - 3);
  const below = ((value % perMillisecond) + perMillisecond) % perMillisecond;
  const iso = toIso(Number((value - below) / perMillisecond));
  if (typeof iso !== "string" || below === 0n) return iso;
  return `${iso.slice(0, -1)}${String(below).padStart(digits - 3, "0")}Z`;
}

function toIso(milliseconds: number): string | UnreadableValue {
  const date = new Date(milliseconds);
  if (Number.isFinite(date.getTime())) return date.toISOString();
  return new UnreadableValue({
    code: "value_unsupported",
    message: "it holds a date beyond the year 275760",
  });
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
