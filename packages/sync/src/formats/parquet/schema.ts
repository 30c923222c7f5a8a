import type { SchemaElement } from "hyparquet";
import { corruptParquet } from "./problems.ts";

/** Groups in groups; a list of structs takes three levels. */
const MAX_SCHEMA_DEPTH = 64;

/** Elements of a schema; tables with more columns than this are no task lists. */
const MAX_SCHEMA_ELEMENTS = 10_000;

/** One physical column. */
export interface ParquetColumn {
  /** Names from the top-level column down. */
  readonly path: readonly string[];
  /** Not nested and not repeated: it has one value, or null, per row. */
  readonly isFlat: boolean;
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
  const open: OpenGroup[] = [openGroup(root, [])];
  for (const element of elements) {
    const parent = closeFinished(open);
    if (parent === undefined) throw corruptParquet("its schema has more elements than its root");
    const path = enter(parent, element);
    if ((element.num_children ?? 0) === 0) {
      if (element.type === undefined) throw corruptParquet("a column of its schema has no type");
      columns.push({ path, isFlat: path.length === 1 && element.repetition_type !== "REPEATED" });
    } else if (open.push(openGroup(element, path)) > MAX_SCHEMA_DEPTH)
      throw corruptParquet("its schema nests too deep");
  }
  if (closeFinished(open) !== undefined)
    throw corruptParquet("its schema has fewer elements than it says");
  if (columns.length === 0) throw corruptParquet("it has no columns");
  return columns;
}

interface OpenGroup {
  readonly path: readonly string[];
  readonly names: Set<string>;
  missing: number;
}

function openGroup(element: SchemaElement, path: readonly string[]): OpenGroup {
  const missing = element.num_children ?? 0;
  if (!Number.isInteger(missing) || missing < 0)
    throw corruptParquet("a group of its schema has a negative size");
  return { path, names: new Set(), missing };
}

/** The innermost group that still misses a child. */
function closeFinished(open: OpenGroup[]): OpenGroup | undefined {
  while (open.at(-1)?.missing === 0) open.pop();
  return open.at(-1);
}

function enter(parent: OpenGroup, element: SchemaElement): readonly string[] {
  const { name } = element;
  if (typeof name !== "string") throw corruptParquet("a column has no name");
  if (name === "__proto__") throw corruptParquet("a column is called __proto__");
  if (parent.names.has(name)) throw corruptParquet(`two columns are called ${name.slice(0, 100)}`);
  parent.names.add(name);
  parent.missing--;
  return [...parent.path, name];
}
