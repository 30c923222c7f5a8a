import { Prisma } from "../../generated/prisma/client.ts";
import { STORAGE_FILENAME } from "./storage-filename.ts";

/** Columns of a task that a filter or an order may name, with the type of their values. */
export const TASK_COLUMNS = {
  id: "number",
  innerId: "number",
  totalAnnotations: "number",
  cancelledAnnotations: "number",
  totalPredictions: "number",
  overlap: "number",
  isLabeled: "boolean",
  createdAt: "moment",
  updatedAt: "moment",
  storageFilename: "text",
} as const;

/** Name of one of {@link TASK_COLUMNS}. */
export type TaskColumn = keyof typeof TASK_COLUMNS;

/** What is compared: a column, or a key of the task's data read as text or as a number. */
export type TaskField =
  | { readonly kind: "column"; readonly column: TaskColumn }
  | { readonly kind: "data"; readonly key: string; readonly as: "text" | "number" };

/** A value to compare with, of the type of its field. */
export type TaskValue = string | number | boolean | Date;

/** One comparison. Texts are compared without regard to case by `contains`; a field without a value matches only `empty`. */
export type TaskCondition =
  | {
      readonly operator: "equal" | "less" | "less_or_equal" | "greater" | "greater_or_equal";
      readonly field: TaskField;
      readonly value: TaskValue;
    }
  | { readonly operator: "contains"; readonly field: TaskField; readonly value: string }
  | {
      readonly operator: "between";
      readonly field: TaskField;
      readonly min: TaskValue;
      readonly max: TaskValue;
    }
  | {
      readonly operator: "in_list";
      readonly field: TaskField;
      readonly values: readonly TaskValue[];
    }
  | { readonly operator: "empty"; readonly field: TaskField }
  | { readonly operator: "not"; readonly condition: TaskCondition };

/** Which tasks of a project. */
export interface TaskFilter {
  readonly conjunction: "and" | "or";
  readonly conditions: readonly TaskCondition[];
  /** Only these, whatever the conditions say. */
  readonly onlyIds?: readonly number[] | undefined;
  readonly exceptIds?: readonly number[] | undefined;
}

/** One term of an order. */
export interface TaskOrder {
  readonly field: TaskField;
  readonly descending: boolean;
}

const EXPRESSIONS: Readonly<Record<TaskColumn, Prisma.Sql>> = {
  id: Prisma.sql`t.id`,
  innerId: Prisma.sql`t.inner_id`,
  totalAnnotations: Prisma.sql`t.total_annotations`,
  cancelledAnnotations: Prisma.sql`t.cancelled_annotations`,
  totalPredictions: Prisma.sql`t.total_predictions`,
  overlap: Prisma.sql`t.overlap`,
  isLabeled: Prisma.sql`t.is_labeled`,
  createdAt: Prisma.sql`t.created_at`,
  updatedAt: Prisma.sql`t.updated_at`,
  storageFilename: Prisma.sql`(SELECT ${STORAGE_FILENAME} FROM source_object o WHERE o.id = t.source_object_id)`,
};

/** The condition of a filter over `task t`; TRUE for the empty filter. `dataKey`: what `$undefined$` of task data reads as. */
export function toFilterSql(filter: TaskFilter, dataKey: string | null): Prisma.Sql {
  const conditions = filter.conditions.map((condition) => toConditionSql(condition, dataKey));
  const joined =
    conditions.length === 0
      ? Prisma.sql`TRUE`
      : Prisma.join(conditions, filter.conjunction === "and" ? " AND " : " OR ", "(", ")");
  const only =
    filter.onlyIds === undefined
      ? Prisma.sql`TRUE`
      : Prisma.sql`t.id = ANY (${[...filter.onlyIds]}::bigint[])`;
  const except =
    filter.exceptIds === undefined
      ? Prisma.sql`TRUE`
      : Prisma.sql`NOT t.id = ANY (${[...filter.exceptIds]}::bigint[])`;
  return Prisma.sql`${joined} AND ${only} AND ${except}`;
}

/** ORDER BY of the terms; the id makes it total. */
export function toOrderSql(orders: readonly TaskOrder[], dataKey: string | null): Prisma.Sql {
  const terms = orders.map(({ field, descending }) => {
    const expression = toFieldSql(field, dataKey);
    return descending
      ? Prisma.sql`${expression} DESC NULLS LAST`
      : Prisma.sql`${expression} ASC NULLS FIRST`;
  });
  return Prisma.join([...terms, Prisma.sql`t.id`], ", ");
}

function toConditionSql(condition: TaskCondition, dataKey: string | null): Prisma.Sql {
  if (condition.operator === "not") {
    // A comparison with a missing value is unknown; its opposite holds.
    return Prisma.sql`(${toConditionSql(condition.condition, dataKey)}) IS NOT TRUE`;
  }
  const field = toFieldSql(condition.field, dataKey);
  switch (condition.operator) {
    case "equal":
      return Prisma.sql`${field} = ${condition.value}`;
    case "less":
      return Prisma.sql`${field} < ${condition.value}`;
    case "less_or_equal":
      return Prisma.sql`${field} <= ${condition.value}`;
    case "greater":
      return Prisma.sql`${field} > ${condition.value}`;
    case "greater_or_equal":
      return Prisma.sql`${field} >= ${condition.value}`;
    case "contains":
      return Prisma.sql`strpos(lower((${field})::text), lower(${condition.value}::text)) > 0`;
    case "between":
      return Prisma.sql`${field} BETWEEN ${condition.min} AND ${condition.max}`;
    case "in_list":
      return condition.values.length === 0
        ? Prisma.sql`FALSE`
        : Prisma.sql`${field} IN (${Prisma.join([...condition.values])})`;
    case "empty":
      return Prisma.sql`coalesce((${field})::text, '') = ''`;
  }
}

function toFieldSql(field: TaskField, dataKey: string | null): Prisma.Sql {
  if (field.kind === "column") return EXPRESSIONS[field.column];
  const keys = field.key === dataKey ? [field.key, "$undefined$"] : [field.key];
  // The key is cast: PostgreSQL would not know whether an array's index or an object's key is meant.
  const texts = keys.map((key) => Prisma.sql`t.data->>${key}::text`);
  if (field.as === "text") return Prisma.sql`coalesce(${Prisma.join(texts)})`;
  const numbers = keys.map(
    (key) =>
      Prisma.sql`CASE WHEN jsonb_typeof(t.data->${key}::text) = 'number' THEN (t.data->>${key}::text)::float8 END`,
  );
  return Prisma.sql`coalesce(${Prisma.join(numbers)})`;
}
