import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { corruptParquet } from "./problems.ts";
import { checkRuns } from "./runs.ts";
import type { ParquetColumn } from "./schema.ts";

/**
 * Checks the repetition and definition levels that stand before the values of a page of version 1, each with its length before it. Returns where
 * the values begin. Throws a Parquet problem.
 */
export function checkLevels(bytes: Uint8Array, values: number, column: ParquetColumn): number {
  const { maxRepetition, maxDefinition } = column;
  const definitions = maxRepetition > 0 ? passLevels(bytes, 0, { max: maxRepetition, values }) : 0;
  return maxDefinition > 0
    ? passLevels(bytes, definitions, { max: maxDefinition, values })
    : definitions;
}

/** Values that are not null in a page of version 1 whose levels were checked. */
export function countPresent(bytes: Uint8Array, values: number, column: ParquetColumn): number {
  const { maxRepetition, maxDefinition } = column;
  if (maxDefinition === 0) return values;
  const offset = maxRepetition > 0 ? passLevels(bytes, 0, { max: maxRepetition, values }) : 0;
  const levels: number[] = new Array<number>(values);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  readRleBitPackedHybrid({ view, offset }, levelWidth(maxDefinition), levels);
  return levels.filter((level) => level === maxDefinition).length;
}

/** Bits that levels up to `max` take. */
export function levelWidth(max: number): number {
  return 32 - Math.clz32(max);
}

function passLevels(
  bytes: Uint8Array,
  offset: number,
  shape: { readonly max: number; readonly values: number },
): number {
  if (offset + 4 > bytes.length) throw corruptParquet("the levels of a page are missing");
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(offset, true);
  const end = offset + 4 + length;
  if (end > bytes.length) throw corruptParquet("the levels of a page are longer than the page");
  checkRuns(bytes, offset + 4, { width: levelWidth(shape.max), values: shape.values });
  return end;
}
