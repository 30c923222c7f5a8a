/** A number that Python reads as a float: `62.0` stays one, where JavaScript would forget the point. */
export class PythonFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** JSON source text access (V8 11.4), which TypeScript's library does not declare yet. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  readonly rawJSON: (text: string) => { readonly rawJSON: string };
  readonly isRawJSON: (value: unknown) => value is { readonly rawJSON: string };
};

/** JSON as Python reads it: integers of any length, floats as {@link PythonFloat}. Throws `SyntaxError`. */
export function parsePythonJson(text: string): unknown {
  return JSON.parse(text, toPythonNumber) as unknown;
}

function toPythonNumber(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source ?? String(value);
  if (/[.eE]/.test(source)) return new PythonFloat(value);
  return Number.isSafeInteger(value) ? value : rawJSON(source);
}

/** True for what Python calls an `int`. */
export function isPythonInt(value: unknown): boolean {
  return typeof value === "number" || isRawJSON(value);
}

/** True for a `dict`. */
export function isDict(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof PythonFloat) &&
    !isRawJSON(value)
  );
}

/** `ujson.dumps(value, indent=2, ensure_ascii=False)`: slashes escaped. */
export function dumpIndented(value: unknown): string {
  return write(value, { indent: "\n", colon: ": " });
}

/** `ujson.dumps(value, ensure_ascii=False)`: no blanks, slashes escaped. */
export function dumpCompact(value: unknown): string {
  return write(value, { indent: undefined, colon: ":" });
}

/** `str(value)` of a number, as the csv module writes it. */
export function toPythonText(value: unknown): string {
  if (value instanceof PythonFloat) return toPythonFloat(value.value);
  return isRawJSON(value) ? value.rawJSON : String(value);
}

interface Style {
  /** Line break and the blanks of this level; undefined: everything on one line. */
  readonly indent: string | undefined;
  readonly colon: string;
}

function write(value: unknown, style: Style): string {
  if (typeof value === "string") return toUjsonText(value);
  if (value instanceof PythonFloat) return toUjsonFloat(value.value);
  if (isRawJSON(value)) return value.rawJSON;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const inner = { ...style, indent: style.indent === undefined ? undefined : `${style.indent}  ` };
  if (Array.isArray(value))
    return wrap(
      "[]",
      value.map((item) => write(item, inner)),
      style,
    );
  const members = Object.entries(value).map(
    ([key, item]) => toUjsonText(key) + style.colon + write(item, inner),
  );
  return wrap("{}", members, style);
}

function wrap(brackets: string, parts: readonly string[], { indent }: Style): string {
  const [open = "", close = ""] = brackets;
  if (parts.length === 0) return brackets;
  if (indent === undefined) return `${open}${parts.join(",")}${close}`;
  return `${open}${indent}  ${parts.join(`,${indent}  `)}${indent}${close}`;
}

function toUjsonText(text: string): string {
  return JSON.stringify(text).replaceAll("/", "\\/");
}

/** `repr` of a float: the shortest digits, an exponent of two digits below 1e-4 and from 1e16. */
function toPythonFloat(value: number): string {
  return layFloatOut(value, { below: -4, from: 16, exponentDigits: 2 });
}

/** As ujson 5 and later writes it. */
function toUjsonFloat(value: number): string {
  return layFloatOut(value, { below: -4, from: 16, exponentDigits: 1 });
}

function layFloatOut(
  value: number,
  { below, from, exponentDigits }: { below: number; from: number; exponentDigits: number },
): string {
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", power = ""] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < below || exponent >= from) {
    const size = String(Math.abs(exponent)).padStart(exponentDigits, "0");
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const plain = toPlain(mantissa, exponent);
  return plain.includes(".") ? plain : `${plain}.0`;
}

function toPlain(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return rest === "" ? sign + whole : `${sign}${whole}.${rest}`;
}
