/**
 * Compares object keys as stores do: by UTF-8 bytes. JavaScript's own order compares UTF-16 units and differs
 * where a surrogate pair (above U+FFFF) meets U+E000…U+FFFF.
 * Returns a negative number, 0 or a positive number.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    return utf8Rank(left) - utf8Rank(right);
  }
  return a.length - b.length;
}

/** Surrogates (D800…DFFF) stand for code points above FFFF, so they sort after every other unit. */
function utf8Rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit <= 0xdfff ? unit + 0x2000 : unit - 0x800;
}

/** True when `keys` is strictly ascending by UTF-8 bytes (hence without repetition). */
export function isSortedKeys(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) {
    if (compareKeys(keys[index - 1] ?? "", keys[index] ?? "") >= 0) return false;
  }
  return true;
}

/** Number of bytes of `text` in UTF-8; a lone surrogate counts as the three bytes of U+FFFD. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
