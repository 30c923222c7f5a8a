import { isAppError } from "@bucketbridge/core";
import { nonFieldError } from "../api-error.ts";
import { parseJsonText } from "../json/parse-json-text.ts";
import { mediaTypeOf } from "../media/media-type.ts";
import { parseTable } from "./table-rows.ts";
import { toExtension } from "./upload-name.ts";

/** Under this key data have their value until the label config gives it a name. */
const UNNAMED_KEY = "$undefined$";

/** How a file becomes tasks: by what is in it, or as one task that points to it. */
export type FileKind = "json" | "lines" | "table" | "text" | "markup" | "media";

const KINDS: Readonly<Record<string, FileKind>> = {
  ".json": "json",
  ".jsonl": "lines",
  ".ndjson": "lines",
  ".csv": "table",
  ".tsv": "table",
  ".txt": "text",
  ".htm": "markup",
  ".html": "markup",
  ".xml": "markup",
};

const ARCHIVES = new Set([".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"]);

/** The contract's name of a format that could as well be one task: its rows. */
const TASK_LISTS = new Set([".csv", ".tsv", ".txt"]);

/** Throws the contract's 400 for an archive and for a file that no task can show. */
export function toFileKind(name: string): FileKind {
  const extension = toExtension(name);
  const kind = KINDS[extension];
  if (kind !== undefined) return kind;
  if (ARCHIVES.has(extension))
    throw nonFieldError(
      `"${name}" is an archive (${extension}). Archives are not unpacked: upload the files themselves, or put them into a bucket and connect it as a storage.`,
    );
  if (mediaTypeOf(name) !== "application/octet-stream") return "media";
  throw nonFieldError(
    `"${name}" has the extension "${extension}", which is not supported: upload media, JSON, JSONL, CSV, TSV or TXT.`,
  );
}

/** Whether the contract says of the file that it could be a list of tasks. */
export function couldBeTasksList(name: string): boolean {
  return TASK_LISTS.has(toExtension(name));
}

/** Items as a JSON body of the import would have them. `bytes`: the file, empty for media. `url`: where it is served. */
export function readItems(
  file: { readonly name: string; readonly url: string },
  kind: FileKind,
  bytes: Uint8Array,
): readonly unknown[] {
  if (kind === "media") return [{ data: { [UNNAMED_KEY]: file.url } }];
  const text = decode(file.name, bytes);
  try {
    return parse(file.name, kind, text);
  } catch (error) {
    if (!isAppError(error)) throw error;
    throw nonFieldError(`"${file.name}" cannot be read: ${error.message}`);
  }
}

function parse(name: string, kind: Exclude<FileKind, "media">, text: string): readonly unknown[] {
  switch (kind) {
    case "json": {
      const value = parseJsonText(text);
      return Array.isArray(value) ? (value as readonly unknown[]) : [value];
    }
    case "lines":
      return toLines(text).map((line) => parseJsonText(line));
    case "table":
      return parseTable(text, toExtension(name) === ".tsv" ? "\t" : ",").map((data) => ({ data }));
    case "text":
      return toLines(text).map((line) => ({ data: { [UNNAMED_KEY]: line } }));
    case "markup":
      return [{ data: { [UNNAMED_KEY]: text } }];
  }
}

function toLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "");
}

/** UTF-8 with or without a mark at its start. */
function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError)
      throw nonFieldError(`"${name}" cannot be read: it is not UTF-8; save it with that encoding`);
    throw error;
  }
}
