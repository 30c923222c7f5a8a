import type { ParquetType, SchemaElement } from "hyparquet";
import { corruptParquet, parquetProblem } from "./problems.ts";

/** Groups in groups; a list of structs takes three levels. */
const MAX_SCHEMA_DEPTH = 64;

/** Elements of a schema; tables with more columns than this are no task lists. */
const MAX_SCHEMA_ELEMENTS = 10_000;

/** Bytes of one value of fixed length: a decoder multiplies them by counts. */
const MAX_TYPE_LENGTH = 65_536;

/** One physical column, with what a decoder derives from its place in the schema. */
export interface ParquetColumn {
  /** Names from the top-level column down. */
  readonly path: readonly string[];
  /** Not nested and not repeated: it has one value, or null, per row. */
  readonly isFlat: boolean;
  readonly type: ParquetType;
  /** Bytes of a value of fixed length, 0 for other types. */
  readonly typeLength: number;
  /** Highest level that tells where a value stands in its lists. */
  readonly maxRepetition: number;
  /** Highest level that tells how much of the path to a value is there. */
  readonly maxDefinition: number;
}

/**
 * The physical columns of a schema, in file order. Checks, without recursion, what a decoder takes for granted: that the counts of children add
 * up, that nesting is bounded, that names tell columns apart and cannot be mistaken for the prototype of an object.
 */
export function readColumns(schema: readonly SchemaElement[]): readonly ParquetColumn[] {
  const [root, ...elements] = schema;
  if (root === undefined || elements.length > MAX_SCHEMA_ELEMENTS)
    throw corruptParquet("its schema has no root or no end");
  const columns: ParquetColumn[] = [];
  const open = [openGroup(root, undefined)];
  for (const element of elements) {
    const parent = closeFinished(open);
    if (parent === undefined) throw corruptParquet("its schema has more elements than its root");
    enter(parent, element);
    const group = openGroup(element, parent);
    if (group.missing === 0) columns.push(toColumn(element, group));
    else if (open.push(group) > MAX_SCHEMA_DEPTH) throw corruptParquet("its schema nests too deep");
  }
  if (closeFinished(open) !== undefined)
    throw corruptParquet("its schema has fewer elements than it says");
  if (columns.length === 0) throw corruptParquet("it has no columns");
  return columns;
}

interface OpenGroup {
  readonly path: readonly string[];
  readonly maxRepetition: number;
  readonly maxDefinition: number;
  readonly names: Set<string>;
  missing: number;
}

/** `parent` is undefined for the root, whose own repetition counts for repetition levels only, as hyparquet has it. */
function openGroup(element: SchemaElement, parent: OpenGroup | undefined): OpenGroup {
  const missing = element.num_children ?? 0;
  if (!Number.isInteger(missing) || missing < 0)
    throw corruptParquet("a group of its schema has a negative size");
  if (element.logical_type?.type === "VARIANT") {
    throw parquetProblem(
      "codec_unsupported",
      "the Parquet file has a column of the type variant: write it as JSON text",
    );
  }
  const repetition = element.repetition_type;
  return {
    path: parent === undefined ? [] : [...parent.path, element.name],
    maxRepetition: (parent?.maxRepetition ?? 0) + (repetition === "REPEATED" ? 1 : 0),
    maxDefinition:
      parent === undefined ? 0 : parent.maxDefinition + (repetition === "REQUIRED" ? 0 : 1),
    names: new Set(),
    missing,
  };
}

/** The innermost group that still misses a child. */
function closeFinished(open: OpenGroup[]): OpenGroup | undefined {
  while (open.at(-1)?.missing === 0) open.pop();
  return open.at(-1);
}

function enter(parent: OpenGroup, element: SchemaElement): void {
  const { name } = element;
  if (typeof name !== "string") throw corruptParquet("a column has no name");
  if (name === "__proto__") throw corruptParquet("a column is called __proto__");
  if (parent.names.has(name)) throw corruptParquet(`two columns are called ${name.slice(0, 100)}`);
  parent.names.add(name);
  parent.missing--;
}

function toColumn(
  element: SchemaElement,
  { path, maxRepetition, maxDefinition }: OpenGroup,
): ParquetColumn {
  const typeLength = element.type_length ?? 0;
  if (element.type === undefined) throw corruptParquet("a column of its schema has no type");
  if (typeLength < 0 || typeLength > MAX_TYPE_LENGTH)
    throw corruptParquet("a column of fixed length is too wide");
  const isFlat = path.length === 1 && element.repetition_type !== "REPEATED";
  return { path, isFlat, type: element.type, typeLength, maxRepetition, maxDefinition };
}
