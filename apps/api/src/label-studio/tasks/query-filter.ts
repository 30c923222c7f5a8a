import {
  TASK_COLUMNS,
  type TaskColumn,
  type TaskCondition,
  type TaskField,
  type TaskFilter,
  type TaskOrder,
  type TaskValue,
} from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import { validationError } from "../../api-error.ts";
import { isFields, type RawFields } from "../fields.ts";
import { queryValue, toBigId } from "../query.ts";

/** What the query of a task list asks for. */
export interface ParsedTaskQuery {
  readonly filter: TaskFilter;
  readonly orders: readonly TaskOrder[];
}

/** Bounds of one query; a person builds them by hand. */
const MAX_CONDITIONS = 50;
const MAX_ORDERS = 5;
const MAX_IDS = 10_000;
const MAX_VALUES = 1_000;
const MAX_VALUE_CHARS = 2_000;

/** Columns by the contract's names. */
const COLUMN_BY_NAME: Readonly<Record<string, TaskColumn>> = {
  id: "id",
  inner_id: "innerId",
  total_annotations: "totalAnnotations",
  cancelled_annotations: "cancelledAnnotations",
  total_predictions: "totalPredictions",
  overlap: "overlap",
  is_labeled: "isLabeled",
  created_at: "createdAt",
  updated_at: "updatedAt",
  storage_filename: "storageFilename",
};

const COMPARISONS: readonly string[] = [
  "equal",
  "less",
  "less_or_equal",
  "greater",
  "greater_or_equal",
];

/** Opposites: the same condition, not met. */
const NEGATED: Readonly<Record<string, string>> = {
  not_equal: "equal",
  not_contains: "contains",
  not_in: "in",
  not_in_list: "in_list",
};

/** Reads `query` (JSON with filters, ordering and selectedItems), or the same three as parameters of their own. */
export function readTaskQuery(request: Pick<FastifyRequest, "query">): ParsedTaskQuery {
  const query = parseJson(queryValue(request, "query"), "query") ?? {};
  if (!isFields(query)) throw refused("query", "it must be an object");
  const selected =
    query["selectedItems"] ?? parseJson(queryValue(request, "selectedItems"), "selectedItems");
  const filters = query["filters"] ?? parseJson(queryValue(request, "filters"), "filters");
  const ordering = query["ordering"] ?? queryValue(request, "ordering")?.split(",") ?? [];
  return {
    filter: { ...readConditions(filters ?? {}), ...readSelection(selected ?? {}) },
    orders: readOrders(ordering),
  };
}

/** A parameter that holds JSON; undefined for none. */
export function parseJson(text: string | undefined, name: string): unknown {
  if (text === undefined || text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw refused(name, "it is not JSON");
    throw error;
  }
}

/** The conditions of `filters`: `{conjunction, items}`. */
export function readConditions(filters: unknown): Pick<TaskFilter, "conjunction" | "conditions"> {
  if (!isFields(filters)) throw refused("filters", "it must be an object");
  const items = filters["items"] ?? [];
  if (!Array.isArray(items)) throw refused("filters", "items must be a list");
  if (items.length > MAX_CONDITIONS)
    throw refused("filters", `at most ${String(MAX_CONDITIONS)} items are taken`);
  return {
    conjunction: filters["conjunction"] === "or" ? "or" : "and",
    conditions: items.map((item: unknown) => readCondition(isFields(item) ? item : {})),
  };
}

function readCondition(item: RawFields): TaskCondition {
  const name = toWord(item["filter"]).replace(/^filter:/, "");
  const field = readField(name, item["type"]);
  const operator = toWord(item["operator"]);
  const opposite = NEGATED[operator];
  const isNegated = opposite !== undefined || (operator === "empty" && isFalse(item["value"]));
  const condition = toCondition(opposite ?? operator, field, item["value"]);
  return isNegated ? { operator: "not", condition } : condition;
}

function toCondition(operator: string, field: TaskField, value: unknown): TaskCondition {
  if (isComparison(operator)) return { operator, field, value: toValue(field, value) };
  switch (operator) {
    case "contains":
      return { operator, field, value: toText(value) };
    case "in": {
      const range = isFields(value) ? value : {};
      return {
        operator: "between",
        field,
        min: toValue(field, range["min"]),
        max: toValue(field, range["max"]),
      };
    }
    case "in_list":
      return { operator, field, values: toList(value).map((entry) => toValue(field, entry)) };
    case "empty":
      return { operator, field };
    case "exists":
      return { operator: "not", condition: { operator: "empty", field } };
    default:
      throw refused("filters", `the operator "${operator.slice(0, 40)}" is not supported`);
  }
}

function isComparison(
  operator: string,
): operator is "equal" | "less" | "less_or_equal" | "greater" | "greater_or_equal" {
  return COMPARISONS.includes(operator);
}

/** `tasks:data.image` is a key of the data, the other names are columns. */
function readField(name: string, type: unknown): TaskField {
  const path = name.replace(/^tasks:/, "");
  if (path.startsWith("data."))
    return { kind: "data", key: path.slice(5), as: type === "Number" ? "number" : "text" };
  const column = Object.hasOwn(COLUMN_BY_NAME, path) ? COLUMN_BY_NAME[path] : undefined;
  if (column === undefined)
    throw refused("filters", `"${path.slice(0, 80)}" cannot be filtered or ordered by`);
  return { kind: "column", column };
}

function toValue(field: TaskField, value: unknown): TaskValue {
  const type = field.kind === "data" ? field.as : TASK_COLUMNS[field.column];
  switch (type) {
    case "number":
      return toNumber(value);
    case "boolean":
      return !isFalse(value);
    case "moment":
      return toMoment(value);
    case "text":
      return toText(value);
  }
}

function toNumber(value: unknown): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isFinite(number)) return number;
  throw refused("filters", "a value is not a number");
}

function toMoment(value: unknown): Date {
  const moment =
    typeof value === "string" || typeof value === "number" ? new Date(value) : undefined;
  if (moment !== undefined && !Number.isNaN(moment.getTime())) return moment;
  throw refused("filters", "a value is not a moment");
}

function toText(value: unknown): string {
  const isText =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const text = isText ? String(value) : undefined;
  if (text === undefined || text.length > MAX_VALUE_CHARS || text.includes("\u0000"))
    throw refused(
      "filters",
      `a value is not a text of at most ${String(MAX_VALUE_CHARS)} characters`,
    );
  return text.toWellFormed();
}

/** A scalar as text; nothing for anything else. */
function toWord(value: unknown): string {
  const isScalar =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isScalar ? String(value) : "";
}

function toList(value: unknown): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : toWord(value).split(",");
  if (list.length > MAX_VALUES)
    throw refused("filters", `at most ${String(MAX_VALUES)} values are taken`);
  return list;
}

function isFalse(value: unknown): boolean {
  return (
    value === false ||
    value === null ||
    ["false", "0", "", "undefined"].includes(toWord(value).toLowerCase())
  );
}

/** `{all: true, excluded}` leaves some out, `{all: false, included}` takes only these; nothing at all takes every task. */
function readSelection(selected: unknown): Pick<TaskFilter, "onlyIds" | "exceptIds"> {
  if (!isFields(selected)) throw refused("selectedItems", "it must be an object");
  const isAll = selected["all"];
  if (isAll === true) return { exceptIds: toIds(selected["excluded"], MAX_IDS) };
  const included = toIds(selected["included"], MAX_IDS);
  return included === undefined || (isAll === undefined && included.length === 0)
    ? {}
    : { onlyIds: included };
}

/** Ids of a selection; what cannot be one is passed over. Undefined for none. */
export function toIds(value: unknown, maxIds: number): readonly number[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length > maxIds)
    throw refused("selectedItems", `it must be a list of at most ${String(maxIds)} ids`);
  return value.flatMap((entry: unknown) => toBigId(toWord(entry)) ?? []);
}

/** Terms like `tasks:-created_at`; the order of ids is the default. */
function readOrders(ordering: unknown): TaskOrder[] {
  if (!Array.isArray(ordering)) throw refused("ordering", "it must be a list");
  return ordering.slice(0, MAX_ORDERS).flatMap((entry: unknown) => {
    const term = toWord(entry)
      .replace(/^tasks:/, "")
      .replace(/^-tasks:/, "-")
      .trim();
    if (term === "") return [];
    return [
      { field: readField(term.replace(/^-/, ""), undefined), descending: term.startsWith("-") },
    ];
  });
}

/** 400 about one parameter of the query. */
export function refused(name: string, why: string): Error {
  return validationError({ [name]: [`Incorrect value in "${name}": ${why}.`] });
}
