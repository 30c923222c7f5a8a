import path from "node:path";

/** A storage that shows a folder (or one file) of the server. */
export interface LocalFolder {
  readonly path: string;
}

/**
 * The absolute path that `d` of `/data/local-files/?d=` names: relative to the document root, whatever slashes and dots it
 * has. Undefined when it would leave the root. Symbolic links are the driver's matter.
 */
export function toLocalPath(documentRoot: string, d: string): string | undefined {
  if (d.includes("\0")) return undefined;
  const wanted = path.resolve(documentRoot, d.replace(/^\/+/, ""));
  return isInside(wanted, documentRoot) ? wanted : undefined;
}

/** The folders that hold the path, the deepest first. A sibling with a longer name is another folder. */
export function foldersOf<Folder extends LocalFolder>(
  folders: readonly Folder[],
  wanted: string,
): readonly Folder[] {
  return folders
    .filter((folder) => wanted === folder.path || isInside(wanted, folder.path))
    .toSorted((a, b) => b.path.length - a.path.length);
}

function isInside(wanted: string, folder: string): boolean {
  const below = path.relative(folder, wanted);
  return (
    below !== "" && below !== ".." && !below.startsWith(`..${path.sep}`) && !path.isAbsolute(below)
  );
}
