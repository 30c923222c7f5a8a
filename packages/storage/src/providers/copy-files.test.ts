import { AppError } from "@bucketbridge/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectBody } from "../body.ts";
import { PERSISTENCE_STANDS, type PersistenceStand } from "../testing/persistence-harness.ts";
import { copyFiles, type CopyCounts } from "./copy-files.ts";
import type { StoredFile } from "./persistent-store.ts";

const signal = AbortSignal.timeout(120_000);
const ctx = { signal };
const OPTIONS = { verify: false, signal, onObject: () => undefined };

async function* bytes(size: number, seed: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += 65_536) {
    await Promise.resolve();
    yield Buffer.alloc(Math.min(65_536, size - at), (at + seed) % 251);
  }
}

/** From each kind of store to the next one. */
const PAIRS = PERSISTENCE_STANDS.map(([type, open], index) => {
  const [nextType = "local", openNext = open] =
    PERSISTENCE_STANDS[(index + 1) % PERSISTENCE_STANDS.length] ?? [];
  return [type, nextType, open, openNext] as const;
});

describe.each(PAIRS)("files move from %s to %s", (_from, _to, openFrom, openTo) => {
  let from: PersistenceStand;
  let to: PersistenceStand;
  let files: StoredFile[];
  beforeAll(async () => {
    [from, to] = await Promise.all([openFrom(), openTo()]);
    const put = (key: string, size: number, seed: number): Promise<StoredFile> =>
      from.store.put(key, bytes(size, seed), { contentType: "image/png", maxBytes: 1e9 }, ctx);
    files = [
      await put("upload/1/a.png", 10, 1),
      await put("upload/1/größe.png", 9 * 1024 ** 2, 2),
      await put("export/1/2/1.json", 0, 3),
    ];
    await put("somebody-else/x", 5, 4);
  });
  afterAll(async () => {
    await from.close();
    await to.close();
  });

  test("cut off in the middle, a copy goes on where it was, and does nothing the next time", async () => {
    const cut = new AppError({ code: "canceled", message: "cut off" });
    const first = copyFiles(from.store, to.store, {
      ...OPTIONS,
      onObject: ({ copied }: CopyCounts) => {
        if (copied === 2) throw cut;
      },
    });
    await expect(first).rejects.toBe(cut);
    const second = await copyFiles(from.store, to.store, OPTIONS);
    expect(second.copied + second.known).toBe(4);
    expect(second.known).toBeGreaterThanOrEqual(2);
    for (const file of files) {
      const [one, other] = await Promise.all(
        [from, to].map(({ store }) => collectBody(store.read(file, undefined, ctx))),
      );
      expect(Buffer.compare(Buffer.from(one ?? []), Buffer.from(other ?? []))).toBe(0);
    }
    expect(await copyFiles(from.store, to.store, OPTIONS)).toEqual({
      copied: 0,
      known: 4,
      bytes: 0,
    });
    await expect(to.store.raw.stat("somebody-else/x", ctx)).rejects.toMatchObject({
      code: "not_found",
    });
  });

  test("with verify, content that differs is written again", async () => {
    await to.store.raw.put({ key: "upload/1/a.png", body: Buffer.from("0123456789") }, ctx);
    const { copied } = await copyFiles(from.store, to.store, { ...OPTIONS, verify: true });
    expect(copied).toBe(1);
    expect(await copyFiles(from.store, to.store, { ...OPTIONS, verify: true })).toMatchObject({
      copied: 0,
    });
  });
});
