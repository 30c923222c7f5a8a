const REDACTED = "[secret]";

/**
 * A value that must not be shown. `reveal()` is the only way to it: string conversion, JSON, template literals
 * and Node's `inspect` all give `[secret]`.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Call it where the value leaves for the store it belongs to, nowhere else. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}
