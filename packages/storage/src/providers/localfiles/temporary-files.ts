import { randomUUID } from "node:crypto";
import { lstat, opendir, rm } from "node:fs/promises";
import { errnoOf } from "./errors.ts";
import type { OpenDirectory } from "./open-directory.ts";

/** Names of files that are being written; listings leave them out. */
export const TEMPORARY_NAME = /^\.bucketbridge-[0-9a-f-]{36}\.tmp$/;

/** Such a file that is older than this belongs to nobody any more: its writer has crashed. No put takes so long. */
const ABANDONED_MS = 60 * 60_000;

/** Folders that are remembered as looked at. */
const MAX_SWEPT = 10_000;

/** A name that nobody else has. */
export function makeTemporaryName(): string {
  return `.bucketbridge-${randomUUID()}.tmp`;
}

/** Removes what writers left behind when they crashed. */
export class AbandonedFiles {
  readonly #sweptAt = new Map<string, number>();

  /** Looks through a folder, the first time and once an hour: it may hold millions of names. What cannot be removed stays. */
  async sweep(directory: OpenDirectory, name: string): Promise<void> {
    const now = Date.now();
    if (now - (this.#sweptAt.get(name) ?? 0) < ABANDONED_MS) return;
    if (this.#sweptAt.size >= MAX_SWEPT) this.#sweptAt.clear();
    this.#sweptAt.set(name, now);
    try {
      for await (const entry of await opendir(directory.pathOf(""), { bufferSize: 1_024 })) {
        if (entry.isFile() && TEMPORARY_NAME.test(entry.name))
          await removeOld(directory.pathOf(entry.name), now);
      }
    } catch (error) {
      // The put that came with it has succeeded.
      if (errnoOf(error) === "") throw error;
    }
  }
}

async function removeOld(file: string, now: number): Promise<void> {
  const { mtimeMs } = await lstat(file);
  if (now - mtimeMs > ABANDONED_MS) await rm(file, { force: true });
}
