import { AppError, isAppError } from "@bucketbridge/core";
import { makeProbeKey } from "@bucketbridge/storage";
import { toTargetFolder } from "@bucketbridge/sync";
import type { CheckStepName, OpenCheck } from "./check-steps.ts";

/** Says to whoever finds one what it is. */
const PROBE_BODY = new TextEncoder().encode('{"probe":"a check of a connection; may be deleted"}');

/**
 * Writes a probe object twice, as a saved annotation is, looks at it where that is allowed, and removes it. Only what a target
 * needs can fail: writing, and deleting where the target is set to.
 */
export async function tryTarget(check: OpenCheck): Promise<void> {
  const { open, steps, draft, signal } = check;
  const folder = toTargetFolder({ prefix: draft.prefix, projectId: check.asker.projectId });
  const key = makeProbeKey(folder);
  const put = async (): Promise<undefined> => {
    const contentType = "application/json";
    await open.store.put({ key, body: PROBE_BODY, contentType }, { signal });
  };
  if (!(await steps.try("put", put))) return;
  try {
    await steps.try("overwrite", put);
    await tryOptional(check, "list", () => listFolder(check, folder));
    await tryOptional(check, "get", () => readProbe(check, key));
  } finally {
    await removeProbe(check, key);
  }
}

async function tryOptional(
  { steps }: OpenCheck,
  name: CheckStepName,
  action: () => Promise<void>,
): Promise<void> {
  await steps.try(name, async () => {
    try {
      await action();
      return undefined;
    } catch (error) {
      if (!isAppError(error, "permission_denied")) throw error;
      return "not allowed, and not needed to write";
    }
  });
}

/** One page: a folder may hold millions. */
async function listFolder({ open, signal }: OpenCheck, folder: string): Promise<void> {
  await open.store.pages({ prefix: folder, limit: 1 }, { signal }).next();
}

async function readProbe({ open, signal }: OpenCheck, key: string): Promise<void> {
  const { body } = await open.store.read(key, {}, { signal });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  if (!Buffer.concat(chunks).equals(PROBE_BODY))
    throw new AppError({
      code: "unavailable",
      message: "the store gives other bytes than were just written",
    });
}

/** Also when the check is over because its time is. */
async function removeProbe(
  { open, steps, draft, warnings, asker }: OpenCheck,
  key: string,
): Promise<void> {
  const signal = AbortSignal.any([asker.signal, AbortSignal.timeout(REMOVE_MS)]);
  const remove = async (): Promise<void> => {
    try {
      await open.store.delete(key, { signal });
    } catch (error) {
      const message = `the check left the object ${key} in the bucket, because the credentials may not delete; it becomes no task, and you may delete it`;
      warnings.push({ code: "target.probe_left", message });
      throw error;
    }
  };
  if (!open.store.can("delete")) return;
  await steps.try("delete", async () => {
    try {
      await remove();
      return undefined;
    } catch (error) {
      if (draft.canDeleteObjects === true || !isAppError(error, "permission_denied")) throw error;
      return "not allowed, and not needed while can_delete_objects is off";
    }
  });
}

const REMOVE_MS = 5_000;
