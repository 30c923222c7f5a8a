import path from "node:path";
import { z } from "zod";

/** Provider fields of local files, by their wire names. */
export const localfilesSettings = z.object({
  /** Absolute folder, or one file. "" while it is not set: `validate` says what is missing. */
  path: z
    .string()
    .max(4_000)
    .refine((text) => !text.includes("\u0000"), "a path must not hold U+0000")
    .nullish()
    .transform((text) => normalizePath(text ?? ""))
    .meta({ location: true }),
});

/** Checked settings. */
export type LocalfilesSettings = z.output<typeof localfilesSettings>;

/** As the contract stores it (ls-api §2.7): trimmed, backslashes turned, dots resolved, no slash at the end. */
function normalizePath(text: string): string {
  const trimmed = text.trim().replaceAll("\\", path.sep);
  if (trimmed === "") return "";
  const normal = path.normalize(trimmed);
  return normal.length > 1 && normal.endsWith(path.sep) ? normal.slice(0, -1) : normal;
}

/**
 * The key of a storage whose path is one file. The dot tells it from a file of the same name in a folder, where no key
 * starts with it.
 */
export function toSingleFileKey(name: string): string {
  return `./${name}`;
}

/** The absolute path of a key: what the contract shows as `storage_filename` (ls-api §7.1). Pure; nothing is opened. */
export function toAbsolutePath(settings: LocalfilesSettings, key: string): string {
  if (key.startsWith("./")) return settings.path;
  return [settings.path, ...key.split("/")].join(path.sep);
}

/**
 * The key of an absolute path; undefined when it lies outside of the storage. Pure: the driver decides whether the file
 * may be opened. A sibling whose name starts like the storage's folder is outside.
 */
export function toKey(settings: LocalfilesSettings, absolutePath: string): string | undefined {
  const wanted = path.normalize(absolutePath);
  if (wanted === settings.path) return toSingleFileKey(path.basename(wanted));
  const folder = settings.path.endsWith(path.sep) ? settings.path : settings.path + path.sep;
  if (settings.path === "" || !wanted.startsWith(folder)) return undefined;
  return wanted.slice(folder.length).split(path.sep).join("/");
}

/** What stands behind `?d=`: the path below the document root, quoted as Python's `quote` does (ls-api §7.2). */
export function toQuotedPath(absolutePath: string, documentRoot: string | undefined): string {
  const relative = path.relative(documentRoot ?? path.parse(absolutePath).root, absolutePath);
  return relative.split(path.sep).map(quoteSegment).join("/");
}

/** Python leaves `_.-~` alone; JavaScript leaves `!'()*` alone too. */
function quoteSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
