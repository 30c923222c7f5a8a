import type { FastifyRequest } from "fastify";
import { nonFieldError, validationError } from "../api-error.ts";

/** The fields of a body, before anything is known about them. */
export type RawFields = Readonly<Record<string, unknown>>;

/** The body as fields; none for an empty body. A list or a scalar is refused in the contract's words. */
export function bodyOf(request: Pick<FastifyRequest, "body">): RawFields {
  const { body } = request;
  if (body === undefined) return {};
  if (isFields(body)) return body;
  throw nonFieldError(`Invalid data. Expected a dictionary, but got ${pythonTypeOf(body)}.`);
}

/** True for a JSON object. */
export function isFields(value: unknown): value is RawFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The name that Python gives the type of a JSON value. */
export function pythonTypeOf(value: unknown): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "dict";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  return Number.isInteger(value) ? "int" : "float";
}

export interface TextRule {
  readonly required?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Spaces at both ends are taken off unless this is false. */
  readonly trim?: boolean;
}

export interface NumberRule {
  readonly min?: number;
  readonly max?: number;
}

const TRUE_WORDS = new Set(["t", "y", "yes", "true", "on", "1"]);
const FALSE_WORDS = new Set(["f", "n", "no", "false", "off", "0"]);
const NULL_WORDS = new Set(["null", ""]);
const NULL_CHARACTER = "\u0000";

/**
 * Reads fields as the contract coerces them, collects every complaint in its words, and throws all of them in
 * `finish`. Absent is `undefined`, an explicit null is null: every optional field takes it (design §13). Fields that
 * are not asked for are ignored.
 */
export class FieldReader {
  readonly #fields: RawFields;
  readonly #errors: Record<string, string[]> = {};

  constructor(fields: RawFields) {
    this.#fields = fields;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** Numbers are taken as text; other types are refused. */
  text(name: string, rule: TextRule = {}): string | null | undefined {
    const value = this.#value(name, rule.required === true);
    if (value === undefined || value === null) return value;
    if (typeof value !== "string" && typeof value !== "number")
      return this.fail(name, "Not a valid string.");
    const text = rule.trim === false ? String(value) : String(value).trim();
    if (text.includes(NULL_CHARACTER)) return this.fail(name, "Null characters are not allowed.");
    if (rule.required === true && text === "")
      return this.fail(name, "This field may not be blank.");
    if (rule.maxLength !== undefined && text.length > rule.maxLength)
      return this.fail(
        name,
        `Ensure this field has no more than ${String(rule.maxLength)} characters.`,
      );
    if (rule.minLength !== undefined && text !== "" && text.length < rule.minLength)
      return this.fail(
        name,
        `Ensure this field has at least ${String(rule.minLength)} characters.`,
      );
    return text.toWellFormed();
  }

  /** null counts as absent: the stored or default value stays. */
  boolean(name: string): boolean | undefined {
    const value = this.#value(name, false);
    if (value === undefined || value === null) return undefined;
    if (typeof value === "boolean") return value;
    const word =
      typeof value === "string" || typeof value === "number"
        ? String(value).trim().toLowerCase()
        : "?";
    if (NULL_WORDS.has(word)) return undefined;
    if (TRUE_WORDS.has(word)) return true;
    if (FALSE_WORDS.has(word)) return false;
    return this.fail(name, "Must be a valid boolean.");
  }

  /** Digit strings and whole numbers. */
  integer(
    name: string,
    rule: NumberRule & { readonly required?: boolean } = {},
  ): number | null | undefined {
    const value = this.#value(name, rule.required === true);
    if (value === undefined || value === null) return value;
    const number = toWholeNumber(value);
    if (number === undefined) return this.fail(name, "A valid integer is required.");
    return this.#inRange(name, number, rule);
  }

  number(name: string, rule: NumberRule = {}): number | null | undefined {
    const value = this.#value(name, false);
    if (value === undefined || value === null) return value;
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number))
      return this.fail(name, "A valid number is required.");
    return this.#inRange(name, number, rule);
  }

  choice<const Choice extends string>(
    name: string,
    choices: readonly Choice[],
  ): Choice | null | undefined {
    const value = this.#value(name, false);
    if (value === undefined || value === null) return value;
    const found = choices.find((choice) => choice === value);
    return found ?? this.fail(name, `"${String(value)}" is not a valid choice.`);
  }

  /** Any JSON value; a string that holds JSON is parsed, as fields of forms are. */
  json(name: string): unknown {
    const value = this.#value(name, false);
    return typeof value === "string" ? parseOrKeep(value) : value;
  }

  /** Adds a complaint about a field. */
  fail(name: string, message: string): undefined {
    (this.#errors[name] ??= []).push(message);
    return undefined;
  }

  /** Throws the collected complaints, if any. */
  finish(): void {
    if (Object.keys(this.#errors).length > 0) throw validationError(this.#errors);
  }

  #value(name: string, required: boolean): unknown {
    const value = this.#fields[name];
    if (value === undefined && required) return this.fail(name, "This field is required.");
    if (value === null && required) return this.fail(name, "This field may not be null.");
    return value;
  }

  #inRange(name: string, number: number, { min, max }: NumberRule): number | undefined {
    if (max !== undefined && number > max)
      return this.fail(name, `Ensure this value is less than or equal to ${String(max)}.`);
    if (min !== undefined && number < min)
      return this.fail(name, `Ensure this value is greater than or equal to ${String(min)}.`);
    return number;
  }
}

function toWholeNumber(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== "string" || !/^\s*[+-]?\d{1,15}(\.0*)?\s*$/.test(value)) return undefined;
  return Number(value);
}

function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // Not JSON: the field is the string itself.
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
