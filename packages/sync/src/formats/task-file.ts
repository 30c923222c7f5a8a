/** Extensions of objects that the tasks method reads, lower case. `.ndjson` is ours, the rest is the contract's. */
const TASK_FILE_EXTENSIONS: ReadonlySet<string> = new Set(["json", "jsonl", "ndjson", "parquet"]);

/** Which reader an object needs: the content of JSON files is told by their first character, Parquet by its name. */
export type TaskFileKind = "json" | "parquet";

/**
 * True when the tasks method reads an object of this key: `.json`, `.jsonl`, `.ndjson`, `.parquet` in any case, or no extension.
 * A dot that starts the base name starts no extension, as in Python's `os.path.splitext`.
 */
export function isTaskFileKey(key: string): boolean {
  const extension = toExtension(key);
  return extension === "" || TASK_FILE_EXTENSIONS.has(extension);
}

/** The reader for an object of this key. */
export function toTaskFileKind(key: string): TaskFileKind {
  return toExtension(key) === "parquet" ? "parquet" : "json";
}

/**
 * Why the tasks method cannot read an object of this key, in the contract's words (with the method that the contract means but
 * misnames); undefined when it can.
 */
export function extensionFailure(key: string): string | undefined {
  if (isTaskFileKey(key)) return undefined;
  return (
    `File "${key}" is not a JSON/JSONL/Parquet file. Only .json, .jsonl, and .parquet files can be processed.\n` +
    `If you're trying to import non-JSON data (images, audio, text, etc.), edit storage settings and enable "Files" import method`
  );
}

/**
 * The contract's sentence for a file that is no JSON at all, with the right method in its hint: the contract says "Tasks", which
 * is the method in use.
 */
export function notJsonFailure(key: string): string {
  return (
    `Can't import JSON-formatted tasks from ${key}. ` +
    `If you're trying to import binary objects, perhaps you forgot to enable "Files" import method?`
  );
}

function toExtension(key: string): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  const stem = name.replace(/^\.+/, "");
  const dot = stem.lastIndexOf(".");
  return dot < 0 ? "" : stem.slice(dot + 1).toLowerCase();
}
