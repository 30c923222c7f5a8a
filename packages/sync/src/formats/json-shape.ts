import type { Buffer } from "node:buffer";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * True when the JSON text nests deeper than `limit`. Texts with no more than `limit` opening brackets cost two byte searches; the
 * others one pass. Asked before `JSON.parse`, which needs some 40 bytes of memory per level, and before anything that recurses.
 */
export function exceedsJsonDepth(bytes: Buffer, limit: number): boolean {
  if (bytes.length <= limit) return false;
  const brackets = countUpTo(bytes, OPEN_BRACE, limit + 1);
  if (brackets + countUpTo(bytes, OPEN_BRACKET, limit + 1 - brackets) <= limit) return false;
  return hasDepth(bytes, limit + 1);
}

function countUpTo(bytes: Buffer, byte: number, enough: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at >= 0 && count < enough; at = bytes.indexOf(byte, at + 1))
    count++;
  return count;
}

function hasDepth(bytes: Buffer, wanted: number): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      if (depth === wanted) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

/**
 * Heap in bytes that `JSON.parse` of the text takes at most: measured for lists and objects of nothing, of numbers, of short strings, and of
 * objects that each have keys of their own. Ordinary documents take a third of the estimate.
 */
export function estimateJsonHeap(bytes: Buffer): number {
  let heap = bytes.length;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === OPEN_BRACE) heap += 64;
    else if (byte === OPEN_BRACKET) heap += 40;
    else if (byte === COMMA) heap += 24;
    else if (byte === COLON) heap += 90;
  }
  return heap;
}

/** Index of the quote that closes the string which opens at `start`; the last index when nothing does. */
function endOfString(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return bytes.length;
}
