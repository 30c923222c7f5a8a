import { decodeCharacterReferences } from "./character-references.ts";

/** A reference inside task data, and where it stands. */
interface Place {
  readonly start: number;
  readonly end: number;
  /** The value of an HTML attribute, where `&amp;` stands for `&`. */
  readonly isAttribute?: boolean;
}

/** What closes a reference that such a character opened. */
const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", "`": "`", "(": ")" };
/** Where a reference ends that nothing opened: keys with these characters must be quoted, or be the whole value. */
const LOOSE_END = /[\s"'<>`]/;
const TRAILING_PUNCTUATION = /[.,;:!?)\]}]/;
/** What stands before the value of an HTML attribute. */
const ATTRIBUTE = /=\s*["']$/;
const SEPARATOR = /[\s,;|]/;

/**
 * Replaces references in task data: values of objects and arrays at any depth, never keys. A text that begins with one of
 * `prefixes` (`s3://bucket/`) is a reference as a whole, or several of them behind commas, semicolons, bars or white space; in any
 * other text a reference ends with the quote or bracket that opened it, else at white space, a quote or an angle bracket; one in quotes
 * behind an equals sign is the value of an HTML attribute, whose character references (`&amp;`) are decoded as a browser does.
 * `replace` gives undefined for what stays. What does not change is the same object as before; nothing is modified in place.
 */
export function replaceReferences(
  data: unknown,
  prefixes: readonly string[],
  replace: (reference: string) => string | undefined,
): unknown {
  if (typeof data === "string") return replaceInText(data, prefixes, replace);
  if (Array.isArray(data)) {
    const items = data.map((item: unknown) => replaceReferences(item, prefixes, replace));
    return items.some((item, index) => item !== data[index]) ? items : data;
  }
  if (typeof data !== "object" || data === null) return data;
  let changed: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(data)) {
    const replaced = replaceReferences(value, prefixes, replace);
    if (replaced === value) continue;
    changed ??= Object.fromEntries(Object.entries(data));
    Object.defineProperty(changed, key, {
      value: replaced,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return changed ?? data;
}

/** True when `reference` occurs in the data as `replaceReferences` finds references. */
export function hasReference(
  data: unknown,
  prefixes: readonly string[],
  reference: string,
): boolean {
  let isFound = false;
  replaceReferences(data, prefixes, (found) => {
    if (found === reference) isFound = true;
    return undefined;
  });
  return isFound;
}

function replaceInText(
  text: string,
  prefixes: readonly string[],
  replace: (reference: string) => string | undefined,
): string {
  if (!text.includes("://")) return text;
  const places = findPlaces(text, prefixes);
  let result = "";
  let done = 0;
  for (const { start, end, isAttribute = false } of places) {
    const written = text.slice(start, end);
    const replacement = replace(isAttribute ? decodeCharacterReferences(written) : written);
    if (replacement === undefined) continue;
    result += text.slice(done, start) + replacement;
    done = end;
  }
  return done === 0 ? text : result + text.slice(done);
}

function findPlaces(text: string, prefixes: readonly string[]): Place[] {
  const first = text.length - text.trimStart().length;
  const finder = new Finder(text, prefixes);
  return finder.next(first) === first
    ? findListed(text, finder, first)
    : findScattered(text, finder);
}

/** The text is one reference, or several behind separators. A separator counts only where another reference follows. */
function findListed(text: string, finder: Finder, first: number): Place[] {
  const places: Place[] = [];
  let start = first;
  for (let at = finder.next(start + 1); at !== undefined; at = finder.next(at + 1)) {
    let separator = at;
    while (separator > start && SEPARATOR.test(text.charAt(separator - 1))) separator--;
    if (separator === at) continue;
    places.push({ start, end: separator });
    start = at;
  }
  places.push({ start, end: start + text.slice(start).trimEnd().length });
  return places;
}

function findScattered(text: string, finder: Finder): Place[] {
  const closings = new Map<string, Finder>();
  const places: Place[] = [];
  for (let start = finder.next(0); start !== undefined; start = finder.next(start + 1)) {
    if (start < (places.at(-1)?.end ?? 0)) continue;
    const closing = CLOSING[text.charAt(start - 1)];
    const end = closing === undefined ? undefined : closingAt(text, closing, start, closings);
    const isAttribute =
      end !== undefined && ATTRIBUTE.test(text.slice(Math.max(0, start - 8), start));
    places.push({ start, end: end ?? findLooseEnd(text, start), isAttribute });
  }
  return places;
}

function closingAt(
  text: string,
  closing: string,
  start: number,
  finders: Map<string, Finder>,
): number | undefined {
  const finder = finders.get(closing) ?? new Finder(text, [closing]);
  finders.set(closing, finder);
  return finder.next(start);
}

function findLooseEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && !LOOSE_END.test(text.charAt(end))) end++;
  while (end > start && TRAILING_PUNCTUATION.test(text.charAt(end - 1))) end--;
  return end;
}

/** Finds words from left to right in one pass over the text for each, however often it is asked. */
class Finder {
  readonly #text: string;
  /** Each word with the first place at or behind the last question; -1: none is left. */
  readonly #words: { readonly word: string; at: number }[];

  constructor(text: string, words: readonly string[]) {
    this.#text = text;
    this.#words = words.map((word) => ({ word, at: text.indexOf(word) }));
  }

  /** The first place of any word at or behind `from`, which never goes back. */
  next(from: number): number | undefined {
    let found: number | undefined;
    for (const one of this.#words) {
      if (one.at >= 0 && one.at < from) one.at = this.#text.indexOf(one.word, from);
      if (one.at >= 0 && (found === undefined || one.at < found)) found = one.at;
    }
    return found;
  }
}
