/** What errors name: `s3://bucket` and the folder `cats` below it give `s3://bucket/cats`. */
export function placeOf(root: string, prefix: string | null): string {
  const folder = (prefix ?? "").replace(/^\/+|\/+$/g, "");
  const base = root.replace(/\/+$/, "");
  return folder === "" || base.endsWith(`/${folder}`) ? root : `${base}/${folder}`;
}
