/** Where the bytes of a project's uploaded file lie, and its path below `/data/`. */
export function toUploadKey(projectId: number, name: string): string {
  return `upload/${String(projectId)}/${name}`;
}

/** The value of task data that points to an uploaded file, and where it is served. */
export function toUploadUrl(projectId: number, name: string): string {
  return `/data/${toUploadKey(projectId, name)}`;
}

/** Where the picture of a person lies, and its path below `/data/`. */
export function toAvatarKey(name: string): string {
  return `avatars/${name}`;
}

/** What the contract shows as `avatar`. */
export function toAvatarUrl(name: string | null): string | null {
  return name === null ? null : `/data/${toAvatarKey(name)}`;
}
