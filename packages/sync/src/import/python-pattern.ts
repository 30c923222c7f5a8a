import { AppError } from "@bucketbridge/core";
import { CLASS_MEMBERS, WORD_MEMBERS } from "./python-char-sets.ts";

/**
 * Rewrites a regular expression of Python's `re` (3.11, str patterns) into RE2 syntax with the same meaning, without captures.
 *
 * Translated: `\Z`, `\uXXXX`, `\UXXXXXXXX`, octal escapes, `{,n}`, comments, named groups, Unicode `\d \w \s` (RE2's are ASCII),
 * `$` before a final newline, literal `[` and `{`. Silent differences that stay: `\b` and `\B` see ASCII words, and something
 * that follows `$` in the pattern cannot match the newline that `$` has passed.
 * Throws `invalid_input` with reason `pattern.unsupported` (valid in Python, impossible in RE2: the construct is named) or
 * `pattern.invalid` (Python refuses it too).
 */
export function translatePythonPattern(pattern: string): string {
  return new PythonPattern(pattern).translate();
}

const CONTROL_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
};
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** What the parser has just read: decides whether a repeat may follow, as Python's parser does. */
type Previous = "nothing" | "atom" | "repeat";

class PythonPattern {
  readonly #source: string;
  readonly #groupNames = new Set<string>();
  #position = 0;
  #output = "";
  #previous: Previous = "nothing";
  #depth = 0;
  #groups = 0;
  readonly #multiline: boolean;

  constructor(source: string) {
    this.#source = source;
    // With (?m), `$` of RE2 already matches before each newline; whether the flag is on exactly here does not matter enough.
    this.#multiline = /\(\?[is]*m/.test(source);
  }

  translate(): string {
    while (this.#position < this.#source.length) this.#readToken();
    if (this.#depth > 0) throw this.#invalid("a parenthesis is not closed");
    return this.#output;
  }

  #readToken(): void {
    const char = this.#take();
    switch (char) {
      case "\\":
        this.#readEscape();
        return;
      case "[":
        this.#emit(this.#readClass(), "atom");
        return;
      case "(":
        this.#readGroup();
        return;
      case ")":
        if (this.#depth === 0) throw this.#invalid("a closing parenthesis has no opening one");
        this.#depth--;
        this.#emit(")", "atom");
        return;
      case "*":
      case "+":
      case "?":
        this.#readRepeat(char);
        return;
      case "{":
        this.#readBrace();
        return;
      case "|":
      case "^":
        this.#emit(char, "nothing");
        return;
      case "$":
        this.#emit(this.#multiline ? "$" : String.raw`(?:\n?\z)`, "nothing");
        return;
      case ".":
        this.#emit(".", "atom");
        return;
      default:
        this.#emit(literal(char.codePointAt(0) ?? 0), "atom");
    }
  }

  /** The next code point. Ends the parse when there is none. */
  #take(missing = "it ends too early"): string {
    const point = this.#source.codePointAt(this.#position);
    if (point === undefined) throw this.#invalid(missing);
    if (point >= 0xd800 && point <= 0xdfff) throw this.#invalid("it holds half a surrogate pair");
    const char = String.fromCodePoint(point);
    this.#position += char.length;
    return char;
  }

  #skip(expected: string): boolean {
    if (!this.#source.startsWith(expected, this.#position)) return false;
    this.#position += expected.length;
    return true;
  }

  /** Takes what `sticky` matches here; empty when it does not. */
  #takeMatch(sticky: RegExp): string {
    sticky.lastIndex = this.#position;
    const found = sticky.exec(this.#source)?.[0] ?? "";
    this.#position += found.length;
    return found;
  }

  #emit(text: string, previous: Previous): void {
    this.#output += text;
    this.#previous = previous;
  }

  #readRepeat(operator: string): void {
    if (this.#previous === "nothing")
      throw this.#invalid(`there is nothing to repeat before ${operator}`);
    if (this.#previous === "repeat") throw this.#invalid(`${operator} repeats a repeat`);
    if (this.#skip("+")) throw this.#unsupported(`possessive repeats such as ${operator}+`);
    this.#emit(operator + (this.#skip("?") ? "?" : ""), "repeat");
  }

  /** `{n}`, `{n,}`, `{,m}`, `{n,m}`, `{,}` repeat; any other brace is itself. */
  #readBrace(): void {
    const counts = /\{(\d*)(,?)(\d*)\}/y;
    counts.lastIndex = this.#position - 1;
    const [all, low = "", comma = "", high = ""] = counts.exec(this.#source) ?? [];
    if (all === undefined || all === "{}") {
      this.#emit(literal(0x7b), "atom");
      return;
    }
    this.#position += all.length - 1;
    if (high !== "" && Number(high) < Number(low))
      throw this.#invalid(`${all} ends below its start`);
    if (Number(low) > 1000 || Number(high) > 1000)
      throw this.#unsupported(`repeat counts above 1000 such as ${all}`);
    this.#readRepeat(`{${low === "" ? "0" : low}${comma}${high}}`);
  }

  #readGroup(): void {
    if (!this.#skip("?")) {
      this.#groups++;
      this.#openGroup("(?:");
      return;
    }
    if (this.#skip(":")) this.#openGroup("(?:");
    else if (this.#skip("P")) this.#readNamedGroup();
    else if (this.#skip("#")) this.#skipComment();
    else if (this.#skip("<=") || this.#skip("<!"))
      throw this.#unsupported("lookbehind, (?<= and (?<!");
    else if (this.#skip("=") || this.#skip("!")) throw this.#unsupported("lookahead, (?= and (?!");
    else if (this.#skip(">")) throw this.#unsupported("atomic groups, (?>");
    else if (this.#skip("(")) throw this.#unsupported("conditional groups, (?(");
    else this.#readFlags();
  }

  #openGroup(text: string): void {
    this.#depth++;
    this.#emit(text, "nothing");
  }

  #readNamedGroup(): void {
    if (this.#skip("=")) throw this.#unsupported("backreferences, (?P=name)");
    if (!this.#skip("<")) throw this.#invalid("(?P is followed by something unknown");
    const name = this.#takeMatch(/[\p{ID_Start}_]\p{ID_Continue}*/uy);
    if (name === "" || !this.#skip(">")) throw this.#invalid("a group has no proper name");
    if (this.#groupNames.has(name)) throw this.#invalid(`two groups are called ${name}`);
    this.#groupNames.add(name);
    this.#groups++;
    this.#openGroup("(?:");
  }

  #skipComment(): void {
    const end = this.#source.indexOf(")", this.#position);
    if (end < 0) throw this.#invalid("a comment is not closed");
    this.#position = end + 1;
  }

  /** `(?i)` for the whole expression, only at its start; `(?i-s:…)` for a group. */
  #readFlags(): void {
    const flags = this.#takeMatch(/[a-zA-Z]*(-[a-zA-Z]*)?/y);
    const foreign = /[aLux]/.exec(flags)?.[0];
    if (foreign !== undefined) throw this.#unsupported(`the flag ${foreign}, (?${foreign})`);
    if (!/^(?:[ims]+(?:-[ims]+)?|-[ims]+)$/.test(flags))
      throw this.#invalid("(? is followed by something unknown");
    if (this.#skip(":")) this.#openGroup(`(?${flags}:`);
    else if (!this.#skip(")") || flags.includes("-")) throw this.#invalid("flags are not closed");
    else if (!/^(?:\(\?[ims]+\))*$/.test(this.#output))
      throw this.#invalid(`the flags (?${flags}) do not stand at its start`);
    else this.#output += `(?${flags})`;
  }

  #readEscape(): void {
    const char = this.#take("it ends in a backslash");
    if (char === "A" || char === "b" || char === "B") this.#emit(`\\${char}`, "nothing");
    else if (char === "Z") this.#emit(String.raw`\z`, "nothing");
    else if (char === "W") this.#emit(`[^${WORD_MEMBERS}]`, "atom");
    else if (char in CLASS_MEMBERS) this.#emit(`[${CLASS_MEMBERS[char]?.() ?? ""}]`, "atom");
    else this.#emit(literal(this.#escapedPoint(char, false)), "atom");
  }

  /** The code point behind a backslash and `char`. */
  #escapedPoint(char: string, inClass: boolean): number {
    const control = CONTROL_ESCAPES[char];
    if (control !== undefined) return control;
    const digits = HEX_DIGITS[char];
    if (digits !== undefined) return this.#hexPoint(char, digits);
    if (/[0-9]/.test(char)) return this.#octalPoint(char, inClass);
    if (char === "N") throw this.#unsupported(String.raw`names of characters, \N{…}`);
    if (/[a-zA-Z]/.test(char)) throw this.#invalid(`\\${char} means nothing`);
    return char.codePointAt(0) ?? 0;
  }

  #hexPoint(char: string, digits: number): number {
    const text = this.#source.slice(this.#position, this.#position + digits);
    const point = Number.parseInt(text, 16);
    if (!/^[0-9a-fA-F]+$/.test(text) || text.length < digits || point > 0x10ffff) {
      throw this.#invalid(`\\${char} wants ${String(digits)} hexadecimal digits of a character`);
    }
    if (point >= 0xd800 && point <= 0xdfff)
      throw this.#invalid(`\\${char}${text} is half a surrogate pair`);
    this.#position += digits;
    return point;
  }

  /** Python: `\0`, `\0oo` and three octal digits are characters; other numbers are backreferences, or nothing in a class. */
  #octalPoint(first: string, inClass: boolean): number {
    const rest = this.#takeMatch(first === "0" || inClass ? /[0-7]{0,2}/y : /[0-7]{2}|[0-9]?/y);
    const text = first + rest;
    if (/^[0-7]+$/.test(text) && (first === "0" || inClass || text.length === 3)) {
      const point = Number.parseInt(text, 8);
      if (point > 0xff) throw this.#invalid(`\\${text} is outside of \\0 to \\377`);
      return point;
    }
    if (inClass || Number(text) > this.#groups) throw this.#invalid(`\\${text} means nothing`);
    throw this.#unsupported(`backreferences, \\${text}`);
  }

  #readClass(): string {
    let body = this.#skip("^") ? "[^" : "[";
    for (let first = true; first || !this.#skip("]"); first = false) {
      const low = this.#readClassItem();
      if (!this.#skip("-")) body += typeof low === "number" ? literal(low) : low;
      else if (this.#source.startsWith("]", this.#position)) {
        body += (typeof low === "number" ? literal(low) : low) + literal(0x2d);
      } else body += this.#closeRange(low, this.#readClassItem());
    }
    return `${body}]`;
  }

  #closeRange(low: number | string, high: number | string): string {
    if (typeof low === "string" || typeof high === "string" || high < low) {
      throw this.#invalid("a character range has no proper ends");
    }
    return `${literal(low)}-${literal(high)}`;
  }

  /** A code point, or the members of a class escape. */
  #readClassItem(): number | string {
    const char = this.#take("a character class is not closed");
    if (char !== "\\") return char.codePointAt(0) ?? 0;
    const escaped = this.#take("it ends in a backslash");
    if (escaped === "b") return 8;
    return CLASS_MEMBERS[escaped]?.() ?? this.#escapedPoint(escaped, true);
  }

  #unsupported(construct: string): AppError {
    return this.#refusal(
      "pattern.unsupported",
      `the regex filter uses ${construct}, which this service cannot run (it matches in linear time, as RE2 does); write it without`,
    );
  }

  #invalid(problem: string): AppError {
    return this.#refusal(
      "pattern.invalid",
      `the regex filter is not a regular expression: ${problem} (before character ${String(this.#position + 1)})`,
    );
  }

  #refusal(reason: string, message: string): AppError {
    return new AppError({ code: "invalid_input", reason, op: "pattern.compile", message });
  }
}

/** One code point as RE2 reads it, inside and outside of a class. */
function literal(point: number): string {
  const char = String.fromCodePoint(point);
  return /[0-9A-Za-z_/ ]/.test(char) || point > 0x9f ? char : `\\x{${point.toString(16)}}`;
}
