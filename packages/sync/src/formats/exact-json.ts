/** JSON source text access (V8 11.4), which TypeScript's library does not declare yet. */
interface ExactJson {
  readonly rawJSON: (text: string) => unknown;
  readonly isRawJSON: (value: unknown) => boolean;
}

const { rawJSON, isRawJSON } = JSON as unknown as ExactJson;

/**
 * `JSON.parse` that keeps integers beyond 2^53: they become raw JSON values, which `JSON.stringify` writes digit by digit. Several
 * times slower, and it recurses: for texts of bounded depth that need it. Numbers that no double can carry become infinite, as in
 * `JSON.parse`.
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, keepDigits);
}

/** True for an integer that {@link parseExactJson} kept digit by digit. */
export function isRawNumber(value: unknown): boolean {
  return isRawJSON(value);
}

/**
 * True when the text holds a number that a double may change or not carry at all, or that PostgreSQL refuses: an integer of 16 digits or
 * more, a power of 100 or more, a fraction of 300 digits or more. Now and then true for the like in a string, never false for a number. Costs a few per cent of `JSON.parse`.
 */
export function mayNeedExactJson(text: string): boolean {
  return (LARGE_POWER.test(text) || hasLongDigits(text)) && UNSAFE_NUMBER.test(text);
}

/** Of fixed length, which the regular expression engine finds five times faster than the exact form. */
const LARGE_POWER = /[0-9][eE][+\-0-9][0-9][0-9]/;

/** The character before keeps out fractions, and hashes and identifiers in strings, which would make the slow way the common one. */
const UNSAFE_NUMBER = /[:,[\s]-?(?:\d{16}|\d+\.\d{300}|\d+(?:\.\d+)?[eE][+-]?\d{3})/;

const LONG_DIGITS = 16;

/** Looks at one character of each 16, and around it when that is a digit. */
function hasLongDigits(text: string): boolean {
  for (let at = LONG_DIGITS - 1; at < text.length; at += LONG_DIGITS) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let start = at;
    while (start > 0 && isDigit(text.charCodeAt(start - 1))) start--;
    let end = at + 1;
    while (end < text.length && isDigit(text.charCodeAt(end))) end++;
    if (end - start >= LONG_DIGITS) return true;
  }
  return false;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !Number.isFinite(value))
    return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? rawJSON(source) : value;
}
