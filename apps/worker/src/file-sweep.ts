import type { ProjectFiles } from "@bucketbridge/db";
import type { PersistenceHandle } from "@bucketbridge/storage/providers";

/** Projects of one round; the next one comes soon. */
const MAX_PROJECTS = 20;

/** The longest that one project's files may take. */
const TIMEOUT_MS = 10 * 60_000;

/** What a sweep needs. */
export interface FileSweepDeps {
  readonly projectFiles: ProjectFiles;
  readonly files: PersistenceHandle;
}

/** Removes what was uploaded to deleted projects, and their exports. Gives how many projects there were; doing it twice is harmless. */
export async function sweepFiles({ projectFiles, files }: FileSweepDeps): Promise<number> {
  const ids = await projectFiles.listDeleted(MAX_PROJECTS);
  if (ids.length === 0) return 0;
  const store = await files.open();
  for (const id of ids) {
    const ctx = { signal: AbortSignal.timeout(TIMEOUT_MS) };
    for (const folder of ["upload", "export"])
      await store.sweep(`${folder}/${String(id)}/`, () => false, ctx);
    await projectFiles.forget(id);
  }
  return ids.length;
}
