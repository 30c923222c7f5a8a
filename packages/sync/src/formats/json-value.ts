import { Buffer, isUtf8 } from "node:buffer";
import { INLINE_ROW_BYTES, MAX_JSON_DEPTH, MAX_PARSED_BYTES } from "@bucketbridge/core";
import { mayNeedExactJson, parseExactJson } from "./exact-json.ts";
import type { RowProblem } from "./items.ts";
import { estimateJsonHeap, exceedsJsonDepth } from "./json-shape.ts";
import { findJsonError } from "./json-syntax.ts";
import { findUnstorable } from "./storable.ts";
import { findInvalidUtf8 } from "./utf8.ts";

/** A JSON text that was read and that PostgreSQL's `jsonb` takes. */
export interface JsonReading {
  readonly ok: true;
  /** Integers beyond 2^53 are raw JSON values: `JSON.stringify` writes their digits, arithmetic must not touch them. */
  readonly value: unknown;
  /** The same value as text; duplicate keys and blanks may be as they were. */
  readonly text: string;
}

/** Why a JSON text was refused. */
export interface JsonRefusal extends RowProblem {
  readonly ok: false;
  /** Where, counted from the first byte of the text. */
  readonly byteOffset: number;
}

/**
 * Reads one JSON text. Refuses what JSON refuses, and what `jsonb` or JavaScript would refuse or change silently: invalid UTF-8,
 * nesting over `MAX_JSON_DEPTH`, U+0000, halves of surrogate pairs, numbers beyond double precision. Needs no stack and no memory beyond a
 * multiple of `bytes`, whatever is in it.
 */
export function readJson(bytes: Buffer): JsonReading | JsonRefusal {
  if (!isUtf8(bytes)) {
    return refusal(
      "invalid_utf8",
      findInvalidUtf8(bytes),
      "it is not valid UTF-8: save the file as UTF-8",
    );
  }
  if (exceedsJsonDepth(bytes, MAX_JSON_DEPTH)) {
    const deepest = findJsonError(bytes, MAX_JSON_DEPTH);
    return refusal(
      "row_too_deep",
      deepest,
      `it nests more than ${String(MAX_JSON_DEPTH)} levels deep: flatten it`,
    );
  }
  if (bytes.length > INLINE_ROW_BYTES && estimateJsonHeap(bytes) > MAX_PARSED_BYTES) {
    return refusal("parse_limit", 0, "it has too many values for one row: split it");
  }
  return parse(bytes, bytes.toString());
}

/** {@link readJson} of a string that came out of another document. */
export function readJsonText(text: string): JsonReading | JsonRefusal {
  return readJson(Buffer.from(text));
}

function parse(bytes: Buffer, text: string): JsonReading | JsonRefusal {
  try {
    const isExact = mayNeedExactJson(text);
    const value: unknown = isExact ? parseExactJson(text) : JSON.parse(text);
    if (!isExact && !SUSPECT_TEXT.test(text)) return { ok: true, value, text };
    const unstorable = findUnstorable(value);
    if (unstorable !== undefined) return { ok: false, byteOffset: 0, ...unstorable };
    return { ok: true, value, text: JSON.stringify(value) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = findJsonError(bytes, MAX_JSON_DEPTH);
    return refusal("invalid_json", at, describeSyntaxError(bytes, at));
  }
}

/** Escapes of U+0000 and of surrogates; both are rare, and their pairs are looked at one by one. */
const SUSPECT_TEXT = /\\u(?:0000|[dD][89a-fA-F])/;

function describeSyntaxError(bytes: Buffer, at: number): string {
  if (at >= bytes.length) return "it is not valid JSON: it ends too early";
  const byte = bytes[at] ?? 0;
  const shown =
    byte > 0x20 && byte < 0x7f
      ? String.fromCharCode(byte)
      : `byte 0x${byte.toString(16).padStart(2, "0")}`;
  return `it is not valid JSON: unexpected ${shown}`;
}

function refusal(code: RowProblem["code"], byteOffset: number, message: string): JsonRefusal {
  return { ok: false, code, byteOffset, message };
}
