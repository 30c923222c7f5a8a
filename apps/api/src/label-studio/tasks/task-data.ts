import type { ProjectRecord } from "@bucketbridge/db";
import { isFields, type RawFields } from "../fields.ts";
import { readSavedConfig } from "../label-config/label-config.ts";

/** Under this key the files method stores its reference; the label config decides on each read what it is called. */
const UNNAMED_KEY = "$undefined$";

/** Task data as people see them: `$undefined$` has the name that the label config gives it, in its place. */
export function toVisibleData(data: unknown, dataKey: string | null): unknown {
  if (dataKey === null || !isFields(data) || !Object.hasOwn(data, UNNAMED_KEY)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key === UNNAMED_KEY ? dataKey : key, value]),
  );
}

/** The keys that task data of the project must have. */
export function requiredKeys({
  labelConfig,
}: Pick<ProjectRecord, "labelConfig">): readonly string[] {
  return readSavedConfig(labelConfig).dataKeys;
}

/** The contract's complaint about data that lack a key of the label config, or undefined. */
export function findMissingKey(data: RawFields, keys: readonly string[]): string | undefined {
  if (Object.hasOwn(data, UNNAMED_KEY)) return undefined;
  const missing = keys.find((key) => !Object.hasOwn(data, key));
  return missing === undefined ? undefined : `"${missing}" key is expected in task data`;
}
