import type { EmbeddedAnnotation, EmbeddedPrediction, LoadRow } from "../import/ports.ts";
import { isRawNumber } from "./exact-json.ts";
import type { RowProblem } from "./items.ts";
import { readJsonText } from "./json-value.ts";

/** A task document as the database takes it. `row` is missing only when the document does not load at all. */
export type TaskElement =
  | {
      readonly ok: true;
      readonly row: LoadRow;
      readonly issue: RowProblem | null;
    }
  | { readonly ok: false; readonly problem: RowProblem };

const NONE: readonly never[] = [];
const NO_ENTRIES = { kept: NONE, issue: null };

/** Users have int ids. */
const MAX_USER_ID = 2_147_483_647;

/**
 * Reads one element of a task file by the contract's rules (Label Studio 1.23, "Tasks" import method).
 *
 * - An object under `data` is the task's data; `annotations`, `predictions`, `allow_skip` (default true) and `meta` (when it is an object)
 *   are read beside it, other keys are dropped. Without it the whole element is the data.
 * - Annotations or predictions that are not empty need `data`: the element is refused.
 * - The row loads even when an annotation or a prediction does not. What of it can be kept is kept: a missing `result` is an empty one,
 *   a string that holds a JSON list is that list, a field of the wrong type is as if it were absent. One of which nothing can be kept (no object,
 *   or a `result` that is no list) is left out, and `issue` says so.
 * - `completed_by` may be an id, an e-mail address or an object with either; an exported `id` becomes `importId`; `unique_id` is ignored.
 *
 * `value` must have passed `readJson` (bounded depth, storable text); `text` is the same document as text.
 */
export function readElement(value: unknown, text: string, rowIndex: number): TaskElement {
  if (!isObject(value)) {
    return refuse(
      "not_an_object",
      `it is ${nameType(value)}, not an object: a task is a JSON object`,
    );
  }
  const data = own(value, "data");
  if (isObject(data)) return wrapped(value, data, rowIndex);
  for (const field of ["predictions", "annotations"]) {
    if (!isEmpty(own(value, field))) {
      return refuse(
        "data_missing",
        `If you use "${field}" field in the task, you must put "data" field in the task too`,
      );
    }
  }
  const row = {
    rowIndex,
    data: text,
    meta: null,
    allowSkip: true,
    annotations: NONE,
    predictions: NONE,
  };
  return { ok: true, row, issue: null };
}

function wrapped(
  element: Record<string, unknown>,
  data: Record<string, unknown>,
  rowIndex: number,
): TaskElement {
  const annotations = readEach(own(element, "annotations"), "annotation", readAnnotation);
  const predictions = readEach(own(element, "predictions"), "prediction", readPrediction);
  const meta = own(element, "meta");
  const row = {
    rowIndex,
    data: JSON.stringify(data),
    meta: isObject(meta) ? JSON.stringify(meta) : null,
    allowSkip: own(element, "allow_skip") !== false,
    annotations: annotations.kept,
    predictions: predictions.kept,
  };
  return { ok: true, row, issue: annotations.issue ?? predictions.issue };
}

function readEach<Kept>(
  list: unknown,
  noun: "annotation" | "prediction",
  read: (entry: Record<string, unknown>, resultJson: string) => Kept,
): { readonly kept: readonly Kept[]; readonly issue: RowProblem | null } {
  const code = `${noun}_invalid` as const;
  if (list === undefined || list === null) return NO_ENTRIES;
  if (!Array.isArray(list)) {
    const message = `"${noun}s" is ${nameType(list)}, not a list: the task was loaded without its ${noun}s`;
    return { kept: [], issue: isEmpty(list) ? null : { code, message } };
  }
  const kept: Kept[] = [];
  let first: string | undefined;
  list.forEach((entry: unknown, index) => {
    const result = isObject(entry) ? toResultJson(own(entry, "result")) : undefined;
    if (isObject(entry) && result !== undefined) kept.push(read(entry, result));
    else
      first ??= `${noun} ${String(index)} ${isObject(entry) ? "has a result that is no list" : `is ${nameType(entry)}, not an object`}`;
  });
  if (first === undefined) return { kept, issue: null };
  const left = list.length - kept.length;
  return {
    kept,
    issue: {
      code,
      message: `${first}: the task was loaded without ${String(left)} of its ${noun}s`,
    },
  };
}

function readAnnotation(entry: Record<string, unknown>, resultJson: string): EmbeddedAnnotation {
  const id = own(entry, "id");
  return {
    resultJson,
    wasCancelled: own(entry, "was_cancelled") === true,
    groundTruth: own(entry, "ground_truth") === true,
    leadTime: toNumber(own(entry, "lead_time")),
    completedBy: toPerson(own(entry, "completed_by")),
    importId: Number.isSafeInteger(id) ? (id as number) : null,
  };
}

function readPrediction(entry: Record<string, unknown>, resultJson: string): EmbeddedPrediction {
  const version = own(entry, "model_version");
  return {
    resultJson,
    score: toNumber(own(entry, "score")),
    modelVersion:
      typeof version === "string" ? version : typeof version === "number" ? String(version) : null,
  };
}

/** Undefined: nothing of it can be kept. */
function toResultJson(result: unknown): string | undefined {
  if (result === undefined || result === null) return "[]";
  if (Array.isArray(result)) return JSON.stringify(result);
  if (typeof result !== "string") return undefined;
  const inner = readJsonText(result);
  return inner.ok && Array.isArray(inner.value) ? inner.text : undefined;
}

/** The e-mail address of an object goes before its id: ids differ between installations. */
function toPerson(value: unknown): number | string | null {
  if (isObject(value)) return toPerson(own(value, "email")) ?? toPerson(own(value, "id"));
  if (typeof value === "string") return value.includes("@") ? value.trim() : null;
  if (typeof value !== "number" || !Number.isInteger(value)) return null;
  return value > 0 && value <= MAX_USER_ID ? value : null;
}

function toNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Own properties only: a document may have keys such as `__proto__` and `constructor`, which are plain data. */
function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value)
  );
}

/** What Python calls false. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === "" || value === false || value === 0;
}

function nameType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return isRawNumber(value) ? "a number" : "an object";
  return `a ${typeof value}`;
}

function refuse(code: RowProblem["code"], message: string): TaskElement {
  return { ok: false, problem: { code, message } };
}
