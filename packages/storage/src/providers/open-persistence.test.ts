import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger } from "@bucketbridge/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectBody } from "../body.ts";
import { createEgress } from "../egress/create-egress.ts";
import { PERSISTENCE_STANDS, type PersistenceStand } from "../testing/persistence-harness.ts";
import { openPersistence, type PersistencePlace } from "./open-persistence.ts";
import type { PersistentObject } from "./persistent-store.ts";

const ctx = { signal: AbortSignal.timeout(120_000) };
const OPTIONS = { contentType: "application/octet-stream", maxBytes: 64 * 1024 ** 2 };

async function* bytes(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += 65_536) {
    await Promise.resolve();
    yield Buffer.alloc(Math.min(65_536, size - at), at % 251);
  }
}

async function list(stand: PersistenceStand): Promise<PersistentObject[]> {
  const found: PersistentObject[] = [];
  for await (const page of stand.store.objects("", ctx)) found.push(...page);
  return found;
}

describe.each(PERSISTENCE_STANDS)("files of the installation on %s", (_type, open) => {
  let stand: PersistenceStand;
  beforeAll(async () => {
    stand = await open();
  });
  afterAll(() => stand.close());

  test("a file of several parts goes in and comes out by ranges, and leaves nothing when it is deleted", async () => {
    const size = 17 * 1024 ** 2;
    const stored = await stand.store.put("upload/7/ab12-größe.bin", bytes(size), OPTIONS, ctx);
    expect(stored.size).toBe(size);
    expect((await list(stand)).map(({ key }) => key).toSorted()).toEqual([
      "upload/7/ab12-größe.bin",
      "upload/7/ab12-größe.bin~00001",
      "upload/7/ab12-größe.bin~00002",
    ]);
    const range = { offset: 8 * 1024 ** 2 - 2, length: 4 };
    const around = await collectBody(stand.store.read(stored, range, ctx));
    const whole = Buffer.from(await collectBody(stand.store.read(stored, undefined, ctx)));
    expect(Buffer.from(around)).toEqual(whole.subarray(range.offset, range.offset + 4));
    expect(whole.byteLength).toBe(size);
    await stand.store.delete(stored, ctx);
    expect(await list(stand)).toEqual([]);
  });

  test("an empty file is a file", async () => {
    const stored = await stand.store.put("export/1/2.json", bytes(0), OPTIONS, ctx);
    expect(await list(stand)).toEqual([{ key: "export/1/2.json", size: 0 }]);
    expect(await collectBody(stand.store.read(stored, undefined, ctx))).toHaveLength(0);
    await stand.store.sweep("export/1/", (key) => key === "export/1/2.json", ctx);
    expect(await list(stand)).toHaveLength(1);
    await stand.store.sweep("export/1/", () => false, ctx);
    expect(await list(stand)).toEqual([]);
  });
});

test("a folder that cannot be made is a sentence that names the variable", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "bucketbridge-"));
  writeFileSync(path.join(folder, "file"), "");
  const egress = createEgress({ allow: [], denied: [] });
  const platform = { egress, aws: {}, gcp: {}, azure: {} };
  const place: PersistencePlace = {
    type: "local",
    prefix: "",
    folder: path.join(folder, "file", "below"),
  };
  await expect(
    openPersistence(place, { log: silentLogger, platform, denied: [] }),
  ).rejects.toMatchObject({
    code: "invalid_config",
    message: expect.stringContaining("BUCKETBRIDGE_PERSISTENCE_FOLDER") as string,
  });
  expect(readdirSync(folder)).toEqual(["file"]);
  rmSync(folder, { recursive: true });
  await egress.close();
});
