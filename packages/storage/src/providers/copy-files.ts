import { createHash } from "node:crypto";
import { AppError, isAppError } from "@bucketbridge/core";
import { collectBody } from "../body.ts";
import type { ObjectInfo, OpContext } from "../driver.ts";
import { PART_BYTES, type PersistentObject, type PersistentStore } from "./persistent-store.ts";

/** Everything that the installation keeps; whatever else lies in a bucket is somebody else's. */
const FOLDERS = ["upload/", "export/", "avatars/"];

/** Objects on their way at a time: each is held whole, and none is longer than a part of a file. */
const PARALLEL = 4;

/** How files are copied. */
export interface CopyFilesOptions {
  /** Also compares the content of what is there already, byte for byte. */
  readonly verify: boolean;
  readonly signal: AbortSignal;
  /** Told after each object. */
  readonly onObject: (counts: CopyCounts) => void;
}

/** What a copy has done. */
export interface CopyCounts {
  readonly copied: number;
  /** Was there already. */
  readonly known: number;
  readonly bytes: number;
}

/**
 * Copies the installation's files from one store to another; the first one stays as it is. What is there already with the same size
 * (and the same etag, where both stores make it of the content) is passed over, so that a copy that was cut off goes on where it was.
 * Each object is asked for after it was written; another size than that of the original is `corrupt_data`.
 */
export async function copyFiles(
  from: PersistentStore,
  to: PersistentStore,
  options: CopyFilesOptions,
): Promise<CopyCounts> {
  const counts = { copied: 0, known: 0, bytes: 0 };
  const ctx = { signal: options.signal };
  for (const folder of FOLDERS) {
    for await (const page of from.objects(folder, ctx)) {
      const queue = [...page];
      const lane = async (): Promise<void> => {
        for (let object = queue.shift(); object !== undefined; object = queue.shift()) {
          const isCopied = await copyOne(from, to, object, options);
          counts[isCopied ? "copied" : "known"]++;
          if (isCopied) counts.bytes += object.size;
          options.onObject({ ...counts });
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, lane));
    }
  }
  return counts;
}

async function copyOne(
  from: PersistentStore,
  to: PersistentStore,
  { key, size }: PersistentObject,
  { verify, signal }: CopyFilesOptions,
): Promise<boolean> {
  const ctx = { signal };
  if (size > PART_BYTES) throw unexpected(key, `has ${String(size)} bytes, more than any of ours`);
  const there = await findObject(to, key, ctx);
  if (
    there?.size === size &&
    !verify &&
    !isDifferent(from, to, await from.raw.stat(key, ctx), there)
  )
    return false;
  const { info, body } = await from.raw.read(key, {}, ctx);
  const content = await collectBody(body);
  if (there?.size === content.byteLength && verify && (await hasContent(to, key, content, ctx)))
    return false;
  await to.raw.put({ key, body: content, contentType: info.contentType }, ctx);
  const written = await to.raw.stat(key, ctx);
  if (written.size !== content.byteLength)
    throw unexpected(
      key,
      `has ${String(written.size)} bytes after ${String(content.byteLength)} were written`,
    );
  return true;
}

/** Tags can be compared only where both stores make them of the content alone, in the same way. */
function isDifferent(
  from: PersistentStore,
  to: PersistentStore,
  one: ObjectInfo,
  other: ObjectInfo,
): boolean {
  if (from.traits.etag !== "content" || to.traits.etag !== "content") return false;
  if (one.etag?.length !== 32 || other.etag?.length !== 32) return false;
  return one.etag !== other.etag;
}

async function findObject(
  { raw }: PersistentStore,
  key: string,
  ctx: OpContext,
): Promise<ObjectInfo | undefined> {
  try {
    return await raw.stat(key, ctx);
  } catch (error) {
    if (isAppError(error, "not_found")) return undefined;
    throw error;
  }
}

async function hasContent(
  { raw }: PersistentStore,
  key: string,
  content: Uint8Array,
  ctx: OpContext,
): Promise<boolean> {
  const { body } = await raw.read(key, {}, ctx);
  const there = createHash("sha256");
  for await (const chunk of body) there.update(chunk);
  return there.digest("hex") === createHash("sha256").update(content).digest("hex");
}

function unexpected(key: string, what: string): AppError {
  return new AppError({
    code: "corrupt_data",
    reason: "persistence.unexpected_object",
    op: "persistence.copy",
    message: `the object ${key} ${what}; look at it, then start the copy again: it goes on where it was`,
  });
}
