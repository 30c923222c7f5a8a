import path from "node:path";

/**
 * The absolute path that `d` of `/data/local-files/?d=` names: relative to the document root, whatever slashes and dots it
 * has. Undefined when it would leave the root. Symbolic links are the driver's matter.
 */
export function toLocalPath(documentRoot: string, d: string): string | undefined {
  if (d.includes("\0")) return undefined;
  const wanted = path.resolve(documentRoot, d.replace(/^\/+/, ""));
  return isInside(wanted, documentRoot) ? wanted : undefined;
}

function isInside(wanted: string, folder: string): boolean {
  const below = path.relative(folder, wanted);
  return (
    below !== "" && below !== ".." && !below.startsWith(`..${path.sep}`) && !path.isAbsolute(below)
  );
}
