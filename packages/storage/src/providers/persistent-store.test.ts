import { createHash } from "node:crypto";
import { AppError } from "@bucketbridge/core";
import { expect, test } from "vitest";
import { collectBody } from "../body.ts";
import { MemoryDriver } from "../memory/index.ts";
import { ObjectStore } from "../object-store.ts";
import { PersistentStore } from "./persistent-store.ts";

const PART = 10;
const signal = AbortSignal.timeout(60_000);
const LIMITS = { contentType: "text/plain", maxBytes: 1_000 };

function open(): { readonly files: PersistentStore; readonly keys: () => Promise<string[]> } {
  const store = new ObjectStore(new MemoryDriver(), { provider: "memory", place: "memory" });
  const files = new PersistentStore(store, PART);
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const page of files.objects("", { signal }))
      found.push(...page.map(({ key }) => key));
    return found;
  };
  return { files, keys };
}

async function* chunks(text: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += size) {
    await Promise.resolve();
    yield Buffer.from(text.slice(at, at + size));
  }
}

test.each([0, 1, 9, 10, 11, 20, 35])(
  "a file of %i bytes comes back whole and in ranges",
  async (size) => {
    const { files, keys } = open();
    const text = "0123456789abcdefghijklmnopqrstuvwxyz".slice(0, size);
    const stored = await files.put("a/b.txt", chunks(text, 7), LIMITS, { signal });
    expect(stored).toEqual({
      key: "a/b.txt",
      size,
      sha256: createHash("sha256").update(text).digest("hex"),
      md5: createHash("md5").update(text).digest("hex"),
    });
    expect(await keys()).toHaveLength(Math.max(1, Math.ceil(size / PART)));
    const whole = await collectBody(files.read(stored, undefined, { signal }));
    expect(Buffer.from(whole).toString()).toBe(text);
    for (const offset of [0, 5, 9, 10, 12]) {
      if (offset >= size) continue;
      const part = await collectBody(files.read(stored, { offset, length: 13 }, { signal }));
      expect(Buffer.from(part).toString()).toBe(text.slice(offset, offset + 13));
    }
    await files.delete(stored, { signal });
    expect(await keys()).toEqual([]);
  },
);

test("a file that is too large leaves nothing behind", async () => {
  const { files, keys } = open();
  const putting = files.put(
    "a",
    chunks("x".repeat(40), 7),
    { ...LIMITS, maxBytes: 35 },
    { signal },
  );
  await expect(putting).rejects.toMatchObject({ reason: "persistence.too_large" });
  expect(await keys()).toEqual([]);
});

test("an upload that breaks off leaves nothing behind", async () => {
  const { files, keys } = open();
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield* chunks("x".repeat(25), 5);
    throw new AppError({ code: "unavailable", message: "the client left" });
  }
  await expect(files.put("a", broken(), LIMITS, { signal })).rejects.toThrow("the client left");
  expect(await keys()).toEqual([]);
});
