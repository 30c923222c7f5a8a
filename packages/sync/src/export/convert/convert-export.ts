import { toConvertedItems, type ControlTags, type ConvertedItem } from "./converted-items.ts";
import { isDict, parsePythonJson } from "./python-values.ts";
import { toJsonMin } from "./to-json-min.ts";
import { toTable } from "./to-table.ts";

/** Formats besides JSON that an export can have. */
export const CONVERTED_FORMATS = ["JSON_MIN", "CSV", "TSV"] as const;

/** One of {@link CONVERTED_FORMATS}. */
export type ConvertedFormat = (typeof CONVERTED_FORMATS)[number];

/** Texts are sent on in pieces of about this length. */
const CHUNK_CHARS = 64 * 1024;

/**
 * An export in another format: the bytes that label-studio-sdk 2.1 makes of the same JSON, except where task data have keys that
 * are whole numbers (they come first here). `open` gives the export anew each time, as JSON texts of one task each; it is read
 * once for `JSON_MIN` and twice for tables. Holds one task at a time. Throws `SyntaxError` for a text that is no JSON.
 */
export async function* convertExport(
  open: () => AsyncIterable<string>,
  format: ConvertedFormat,
  controls: ControlTags,
): AsyncGenerator<Uint8Array, void, undefined> {
  const items = () => readItems(open(), controls);
  const texts =
    format === "JSON_MIN" ? toJsonMin(items()) : toTable(items, format === "CSV" ? "," : "\t");
  let held = "";
  for await (const text of texts) {
    held += text;
    if (held.length < CHUNK_CHARS) continue;
    yield Buffer.from(held);
    held = "";
  }
  yield Buffer.from(held);
}

async function* readItems(
  tasks: AsyncIterable<string>,
  controls: ControlTags,
): AsyncGenerator<ConvertedItem, void, undefined> {
  for await (const text of tasks) {
    const task = parsePythonJson(text);
    if (isDict(task)) yield* toConvertedItems(task, controls);
  }
}

/** The tasks of a file that `renderSnapshot` wrote: one per line, between brackets. */
export async function* readSnapshotTasks(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  for await (const chunk of body) {
    const [first = "", ...rest] = decoder.decode(chunk, { stream: true }).split("\n");
    parts.push(first);
    for (const next of rest) {
      const line = parts.join("");
      parts = [next];
      if (line !== "[") yield line.endsWith(",") ? line.slice(0, -1) : line;
    }
  }
}
