/** A prefix is a folder: `img` lists `img/…` and neither `images/…` nor an object `img.jpg` (ls-api §7.1). */
export function folderPrefix(prefix: string | null): string {
  const folder = (prefix ?? "").replace(/\/+$/, "");
  return folder === "" ? "" : `${folder}/`;
}
