import { startGcsFake, type GcsFake } from "@bucketbridge/testkit/gcs-fake";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collectBody } from "../../body.ts";
import type { StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openGcs, OWNER, SUITE_OPTIONS } from "../../testing/gcs-harness.ts";
import { gcsProvider } from "./index.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const ctx = { signal: new AbortController().signal };
const LISTER = "lister@fake.iam.gserviceaccount.com";
const CREATOR = "creator@fake.iam.gserviceaccount.com";
const KEY = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";

let fake: GcsFake;
beforeAll(async () => {
  fake = await startGcsFake({
    ...SUITE_OPTIONS,
    accounts: [
      { email: OWNER },
      { email: LISTER, allow: ["list"] },
      { email: CREATOR, allow: ["create"] },
    ],
  });
});
beforeEach(() => {
  fake.clearBucket("suite");
});
afterAll(async () => {
  await egress.close();
  await fake.close();
});

function open(email = OWNER, fields: Record<string, unknown> = {}): Promise<StorageDriver> {
  return openGcs(
    gcsProvider,
    { bucket: "suite", google_application_credentials: fake.keyJson(email), ...fields },
    { egress, gcp: { endpoints: fake.endpoints } },
  );
}

describe("least privilege", () => {
  it("lists with storage.objects.list alone and downloads nothing", async () => {
    fake.putObject("suite", "a", "x");
    const before = { ...fake.counters };
    const driver = await open(LISTER);
    const page = await driver.listPage({ prefix: "", recursive: true, limit: 10 }, ctx);
    expect(page.keys).toEqual(["a"]);
    expect(fake.counters).toMatchObject({ get: before.get, media: before.media });
  });

  it("writes with storage.objects.create alone: one request, no look before and none after", async () => {
    const before = { ...fake.counters };
    const driver = await open(CREATOR);
    const put = { key: "a", body: Buffer.from("x"), condition: { kind: "absent" } as const };
    const info = await driver.put?.(put, ctx);
    expect(info).toMatchObject({
      key: "a",
      size: 1,
      etag: expect.stringMatching(/^\d+$/) as string,
    });
    const { insert, get, media, list } = fake.counters;
    expect([insert - before.insert, get - before.get]).toEqual([1, 0]);
    expect([media - before.media, list - before.list]).toEqual([0, 0]);
  });
});

describe("listing", () => {
  it("crosses a page of subfolders that holds no key", async () => {
    for (const key of ["a/1", "b/1", "c/1", "d"]) fake.putObject("suite", key, "x");
    const driver = await open();
    const pages: (readonly string[])[] = [];
    let cursor: string | undefined;
    do {
      const page = await driver.listPage({ prefix: "", recursive: false, limit: 2, cursor }, ctx);
      pages.push(page.keys);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(pages).toEqual([[], ["d"]]);
  });

  it("gives sizes, times and generations as columns", async () => {
    fake.putObject("suite", "a", "12345");
    const { sizes, etags, modified } = await (
      await open()
    ).listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
    expect([sizes, etags]).toEqual([[5], [fake.findObject("suite", "a")?.generation]]);
    expect(Date.now() - (modified[0] ?? 0)).toBeLessThan(60_000);
  });
});

describe("writing", () => {
  it("names the encryption key where the storage has one", async () => {
    const driver = await open(OWNER, { google_kms_key_name: KEY });
    await driver.put?.({ key: "a", body: new Uint8Array(1) }, ctx);
    expect(fake.findObject("suite", "a")?.kmsKeyName).toBe(KEY);
    await (await open()).put?.({ key: "b", body: new Uint8Array(1) }, ctx);
    expect(fake.findObject("suite", "b")?.kmsKeyName).toBeUndefined();
  });

  it("keeps bytes that look like the end of a part", async () => {
    const body = Buffer.from("\r\n--bucketbridge\r\n\r\n{}\r\n--\r\n");
    await (await open()).put?.({ key: "a", body, contentType: "text/plain" }, ctx);
    expect(fake.findObject("suite", "a")).toMatchObject({ body, contentType: "text/plain" });
  });
});

describe("reading", () => {
  it("asks the store for the part alone", async () => {
    fake.putObject("suite", "a", "0123456789");
    const driver = await open();
    const { body, info } = await driver.read({ key: "a", range: { offset: 2, length: 3 } }, ctx);
    expect((await collectBody(body)).toString()).toBe("234");
    expect(info).toMatchObject({ size: 10 });
  });

  it("refuses a whole object in the place of a part, and releases it", async () => {
    fake.putObject("suite", "a", "0123456789");
    fake.inject({ on: "media", kind: "body", body: "0123456789" });
    const driver = await open();
    await expect(driver.read({ key: "a", range: { offset: 2 } }, ctx)).rejects.toMatchObject({
      reason: "gcs.malformed_answer",
    });
    await expect.poll(() => fake.openBodies).toBe(0);
  });
});
