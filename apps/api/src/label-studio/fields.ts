import type { FastifyRequest } from "fastify";
import { nonFieldError, validationError } from "../api-error.ts";
import { findInvalidValue } from "../json/invalid-value.ts";
import { toStorable } from "./storable-json.ts";

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
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
}

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
    return this.#read(name, rule.required === true, (value) => readText(value, rule));
  }

  /** null and an empty text count as absent: the stored or default value stays. */
  boolean(name: string): boolean | undefined {
    return this.#read(name, false, readBoolean) ?? undefined;
  }

  /** Digit strings and whole numbers. */
  integer(name: string, rule: NumberRule = {}): number | null | undefined {
    return this.#read(name, rule.required === true, (value) => readInteger(value, rule));
  }

  number(name: string, rule: NumberRule = {}): number | null | undefined {
    return this.#read(name, rule.required === true, (value) => readNumber(value, rule));
  }

  choice<const Choice extends string>(
    name: string,
    choices: readonly Choice[],
  ): Choice | null | undefined {
    return this.#read(name, false, (value) => {
      const found = choices.find((choice) => choice === value);
      if (found !== undefined) return { value: found };
      return { complaint: `"${describe(value)}" is not a valid choice.` };
    });
  }

  /** Any JSON value that can be stored; a string that holds JSON is parsed, as fields of forms are. */
  json(name: string): unknown {
    return this.#read(name, false, (value) => {
      const result = toStorable(typeof value === "string" ? parseOrKeep(value) : value);
      return "value" in result ? result : { complaint: result.problem };
    });
  }

  /**
   * A JSON value that is stored exactly as it was sent, or a complaint that names the place inside it. A string must hold JSON.
   */
  exactJson(name: string): unknown {
    return this.#read(name, false, (value) => {
      const parsed = typeof value === "string" ? parseText(value) : { value };
      if ("complaint" in parsed) return parsed;
      const found = findInvalidValue(parsed.value, name);
      return found === undefined ? parsed : { complaint: `${found.path}: ${found.problem}` };
    });
  }

  /** Adds a complaint about a field. */
  fail(name: string, message: string): void {
    (this.#errors[name] ??= []).push(message);
  }

  /** Throws the collected complaints, if any. */
  finish(): void {
    if (Object.keys(this.#errors).length > 0) throw validationError(this.#errors);
  }

  #read<T>(
    name: string,
    isRequired: boolean,
    parse: (value: unknown) => Outcome<T>,
  ): T | null | undefined {
    const raw = this.#fields[name];
    if (raw === undefined || raw === null) {
      if (isRequired)
        this.fail(name, raw === null ? "This field may not be null." : "This field is required.");
      return raw;
    }
    const outcome = parse(raw);
    if ("value" in outcome) return outcome.value;
    this.fail(name, outcome.complaint);
    return undefined;
  }
}

type Outcome<T> = { readonly value: T } | { readonly complaint: string };

const TRUE_WORDS = new Set(["t", "y", "yes", "true", "on", "1"]);
const FALSE_WORDS = new Set(["f", "n", "no", "false", "off", "0"]);
const NULL_WORDS = new Set(["null", ""]);
const NULL_CHARACTER = "\u0000";

function readText(value: unknown, rule: TextRule): Outcome<string> {
  if (typeof value !== "string" && typeof value !== "number")
    return { complaint: "Not a valid string." };
  const text = rule.trim === false ? String(value) : String(value).trim();
  const { minLength, maxLength } = rule;
  if (text.includes(NULL_CHARACTER)) return { complaint: "Null characters are not allowed." };
  if (rule.required === true && text === "") return { complaint: "This field may not be blank." };
  if (maxLength !== undefined && text.length > maxLength)
    return { complaint: `Ensure this field has no more than ${String(maxLength)} characters.` };
  if (minLength !== undefined && text !== "" && text.length < minLength)
    return { complaint: `Ensure this field has at least ${String(minLength)} characters.` };
  return { value: text.toWellFormed() };
}

function readBoolean(value: unknown): Outcome<boolean | undefined> {
  if (typeof value === "boolean") return { value };
  const word =
    typeof value === "string" || typeof value === "number"
      ? String(value).trim().toLowerCase()
      : "?";
  if (NULL_WORDS.has(word)) return { value: undefined };
  if (TRUE_WORDS.has(word)) return { value: true };
  if (FALSE_WORDS.has(word)) return { value: false };
  return { complaint: "Must be a valid boolean." };
}

function readInteger(value: unknown, rule: NumberRule): Outcome<number> {
  const isDigits = typeof value === "string" && /^\s*[+-]?\d{1,15}(\.0*)?\s*$/.test(value);
  const number = isDigits ? Number(value) : value;
  if (!Number.isSafeInteger(number)) return { complaint: "A valid integer is required." };
  return inRange(number as number, rule);
}

function readNumber(value: unknown, rule: NumberRule): Outcome<number> {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (!Number.isFinite(number)) return { complaint: "A valid number is required." };
  return inRange(number as number, rule);
}

function inRange(number: number, { min, max }: NumberRule): Outcome<number> {
  if (max !== undefined && number > max)
    return { complaint: `Ensure this value is less than or equal to ${String(max)}.` };
  if (min !== undefined && number < min)
    return { complaint: `Ensure this value is greater than or equal to ${String(min)}.` };
  return { value: number };
}

function describe(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parseText(text: string): Outcome<unknown> {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return { complaint: "Value must be valid JSON." };
    throw error;
  }
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
