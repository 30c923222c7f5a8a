const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What may come next. */
type Expectation = "value" | "value or ]" | "key" | "key or }" | "colon" | "comma or end" | "end";

/** Number states: what was read of a number last. */
type NumberPart =
  "sign" | "zero" | "integer" | "point" | "fraction" | "e" | "exponent sign" | "exponent";

const NUMBER_STEPS: Readonly<Record<NumberPart, (byte: number) => NumberPart | undefined>> = {
  sign: (byte) => (byte === 0x30 ? "zero" : isDigit(byte) ? "integer" : undefined),
  zero: afterInteger,
  integer: (byte) => (isDigit(byte) ? "integer" : afterInteger(byte)),
  point: (byte) => (isDigit(byte) ? "fraction" : undefined),
  fraction: (byte) => (isDigit(byte) ? "fraction" : isExponentMark(byte) ? "e" : undefined),
  e: (byte) =>
    isDigit(byte) ? "exponent" : byte === 0x2b || byte === 0x2d ? "exponent sign" : undefined,
  "exponent sign": (byte) => (isDigit(byte) ? "exponent" : undefined),
  exponent: (byte) => (isDigit(byte) ? "exponent" : undefined),
};

const COMPLETE_NUMBERS: ReadonlySet<NumberPart> = new Set([
  "zero",
  "integer",
  "fraction",
  "exponent",
]);

/**
 * Checks the grammar of one JSON value byte by byte, over any number of chunks and without recursion. Slower than `JSON.parse`
 * and used where that cannot help: to find the first byte that is wrong, and to judge a document before all of it is there. Bytes
 * of UTF-8 are taken as they are.
 */
export class JsonSyntax {
  /** Open brackets, innermost last. */
  readonly #open: number[] = [];
  readonly #maxDepth: number;
  #expected: Expectation = "value";
  #position = 0;
  #inString = false;
  #stringIsKey = false;
  /** After a backslash: -1 for any escape, else hexadecimal digits left of `\u`. */
  #escape = 0;
  #number: NumberPart | undefined;
  #literal = "";
  #completeAt: number | undefined;
  #tooDeep = false;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  /** Offset behind the value, once it is complete (a number is, when something else follows). */
  get completeAt(): number | undefined {
    return this.#completeAt;
  }

  /** True when the violation was the depth, not the grammar. */
  get isTooDeep(): boolean {
    return this.#tooDeep;
  }

  /** Offset of the end of what was pushed. */
  get position(): number {
    return this.#position;
  }

  /**
   * Takes the next bytes. Returns the offset (from the first byte ever pushed) of the first byte that no JSON text can have
   * there; undefined while there is none. Not to be called again after a violation.
   */
  push(bytes: Uint8Array): number | undefined {
    for (const byte of bytes) {
      if (!this.#accept(byte)) return this.#position;
      this.#position++;
    }
    return undefined;
  }

  #accept(byte: number): boolean {
    if (this.#inString) return this.#acceptInString(byte);
    if (this.#literal !== "") return this.#acceptLiteral(byte);
    if (this.#number !== undefined) {
      const next = NUMBER_STEPS[this.#number](byte);
      if (next !== undefined) {
        this.#number = next;
        return true;
      }
      if (!COMPLETE_NUMBERS.has(this.#number)) return false;
      this.#number = undefined;
      this.#endValue(this.#position);
    }
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return true;
    return this.#acceptToken(byte);
  }

  #acceptInString(byte: number): boolean {
    if (this.#escape === -1) {
      this.#escape = byte === 0x75 ? 4 : 0;
      return byte === 0x75 || '"\\/bfnrt'.includes(String.fromCharCode(byte));
    }
    if (this.#escape > 0) {
      this.#escape--;
      return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
    }
    if (byte === BACKSLASH) this.#escape = -1;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#stringIsKey) this.#expected = "colon";
      else this.#endValue(this.#position + 1);
    }
    return byte >= 0x20;
  }

  #acceptLiteral(byte: number): boolean {
    if (this.#literal.charCodeAt(0) !== byte) return false;
    this.#literal = this.#literal.slice(1);
    if (this.#literal === "") this.#endValue(this.#position + 1);
    return true;
  }

  #acceptToken(byte: number): boolean {
    switch (this.#expected) {
      case "value":
        return this.#startValue(byte);
      case "value or ]":
        return byte === 0x5d ? this.#close(0x5b) : this.#startValue(byte);
      case "key":
        return byte === QUOTE && this.#startString(true);
      case "key or }":
        return byte === 0x7d ? this.#close(0x7b) : byte === QUOTE && this.#startString(true);
      case "colon":
        this.#expected = "value";
        return byte === 0x3a;
      case "comma or end":
        if (byte === 0x5d || byte === 0x7d) return this.#close(byte - 2);
        this.#expected = this.#open.at(-1) === 0x7b ? "key" : "value";
        return byte === 0x2c;
      case "end":
        return false;
    }
  }

  #startValue(byte: number): boolean {
    if (byte === QUOTE) return this.#startString(false);
    if (byte === 0x7b || byte === 0x5b) {
      this.#open.push(byte);
      this.#tooDeep = this.#open.length > this.#maxDepth;
      this.#expected = byte === 0x7b ? "key or }" : "value or ]";
      return !this.#tooDeep;
    }
    if (byte === 0x2d) this.#number = "sign";
    else if (isDigit(byte)) this.#number = byte === 0x30 ? "zero" : "integer";
    else if (byte === 0x74) this.#literal = "rue";
    else if (byte === 0x66) this.#literal = "alse";
    else if (byte === 0x6e) this.#literal = "ull";
    else return false;
    return true;
  }

  #startString(isKey: boolean): boolean {
    this.#inString = true;
    this.#stringIsKey = isKey;
    return true;
  }

  #close(opening: number): boolean {
    if (this.#open.pop() !== opening) return false;
    this.#endValue(this.#position + 1);
    return true;
  }

  #endValue(endOffset: number): void {
    this.#expected = this.#open.length > 0 ? "comma or end" : "end";
    if (this.#open.length === 0) this.#completeAt = endOffset;
  }
}

/** Offset of the first byte that makes `bytes` no JSON value; their length when they end too early. */
export function findJsonError(bytes: Uint8Array, maxDepth: number): number {
  return new JsonSyntax(maxDepth).push(bytes) ?? bytes.length;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isExponentMark(byte: number): boolean {
  return byte === 0x65 || byte === 0x45;
}

function afterInteger(byte: number): NumberPart | undefined {
  return byte === 0x2e ? "point" : isExponentMark(byte) ? "e" : undefined;
}
