import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { collectBody } from "../../body.ts";
import type { PresignOptions, StorageDriver } from "../../driver.ts";
import {
  OWNER_ACCOUNT,
  startAzureStand,
  toAppFields,
  type AzureStand,
} from "../../testing/azure-fake-harness.ts";

const ctx = { signal: new AbortController().signal };
const GET: PresignOptions = { method: "GET", ttlSeconds: 3_600 };

let stand: AzureStand;
let driver: StorageDriver;
beforeAll(async () => {
  stand = await startAzureStand("azure");
});
beforeEach(async () => {
  stand.fake.clearContainer("suite");
  driver = await stand.open();
});
afterAll(() => stand.close());

describe("listing", () => {
  it("starts with the key after the given one in the store itself", async () => {
    for (const key of ["a", "b", "b/c", "c"]) stand.fake.putBlob("suite", key, "x");
    const list = (after: string, limit = 10) =>
      driver.listPage({ prefix: "", recursive: true, limit, after }, ctx);
    expect((await list("b")).keys).toEqual(["b/c", "c"]);
    expect((await list("bb")).keys).toEqual(["c"]);
    // The key itself fills the page: it is empty and goes on.
    expect(await list("a", 1)).toMatchObject({ keys: [], cursor: expect.any(String) as string });
  });

  it("asks for nothing when all of the prefix lies before the given key, and for all when behind", async () => {
    stand.fake.putBlob("suite", "p/1", "x");
    const before = stand.fake.counters.list;
    const request = { prefix: "p/", recursive: true, limit: 10 };
    expect((await driver.listPage({ ...request, after: "q" }, ctx)).keys).toEqual([]);
    expect(stand.fake.counters.list).toBe(before);
    expect((await driver.listPage({ ...request, after: "a" }, ctx)).keys).toEqual(["p/1"]);
  });

  it("leaves to the SDK what our parser does not take, and reads the same", async () => {
    const body =
      '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://x/" ContainerName="suite"><!-- strange --><Blobs>' +
      "<Blob><Name>a&amp;b</Name><Properties><Last-Modified>Tue, 24 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x1</Etag><Content-Length>7</Content-Length></Properties></Blob>" +
      "</Blobs><NextMarker>more</NextMarker></EnumerationResults>";
    stand.fake.inject({ kind: "body", body, on: "list" });
    expect(await driver.listPage({ prefix: "", recursive: true, limit: 10 }, ctx)).toEqual({
      keys: ["a&b"],
      sizes: [7],
      etags: ["0x1"],
      modified: [Date.parse("2026-11-24T10:00:00Z")],
      cursor: "more",
    });
  });

  it("reads pages by our own parser, and reports a name that is no text", async () => {
    const body =
      '<EnumerationResults ServiceEndpoint="https://x/" ContainerName="suite"><Blobs>' +
      '<Blob><Name Encoded="true">a%FF</Name><Properties><Last-Modified>Tue, 24 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x1</Etag><Content-Length>7</Content-Length></Properties></Blob>' +
      "</Blobs><NextMarker /></EnumerationResults>";
    stand.fake.inject({ kind: "body", body, on: "list" });
    // The SDK's parser rejects the whole page.
    expect(await driver.listPage({ prefix: "", recursive: true, limit: 10 }, ctx)).toMatchObject({
      keys: [],
      unreadable: [{ name: "a%FF", code: "key_not_utf8" }],
    });
  });

  it("reads a full page without the two seconds of work that the SDK's parser needs", async () => {
    for (let n = 0; n < 5_000; n++) stand.fake.putBlob("suite", `img/${String(n)}.jpg`, "");
    const list = () => driver.listPage({ prefix: "", recursive: true, limit: 5_000 }, ctx);
    await list();
    const before = process.cpuUsage();
    expect((await list()).keys).toHaveLength(5_000);
    const { user, system } = process.cpuUsage(before);
    // The fake renders the page in this process too.
    expect((user + system) / 1_000).toBeLessThan(300);
  });
});

describe("names that Azure does not have", () => {
  it.each(["a/../b", "..", "./a", "a/.", "back\\slash"])(
    "refuses %j before any request",
    async (key) => {
      const { counters } = stand.fake;
      const before = { ...counters };
      const refused = expect.objectContaining({
        code: "invalid_input",
        reason: "azure.unaddressable_key",
      }) as Error;
      await expect(driver.stat(key, ctx)).rejects.toEqual(refused);
      await expect(driver.read({ key }, ctx)).rejects.toEqual(refused);
      await expect(driver.put?.({ key, body: new Uint8Array(1) }, ctx)).rejects.toEqual(refused);
      await expect(driver.delete?.(key, ctx)).rejects.toEqual(refused);
      await expect(driver.presignRead?.(key, GET, ctx)).rejects.toEqual(refused);
      expect(counters).toEqual(before);
    },
  );
});

describe("reading and writing", () => {
  it("asks for a range by its first byte, never from the end", async () => {
    stand.fake.putBlob("suite", "k", "0123456789");
    const { info, body } = await driver.read({ key: "k", range: { offset: 7 } }, ctx);
    expect((await collectBody(body)).toString()).toBe(Buffer.from("789").toString());
    expect(info.size).toBe(10);
    expect(stand.fake.lastRange).toBe("bytes=7-");
    const whole = await driver.read({ key: "k", range: { offset: 0 } }, ctx);
    expect(await collectBody(whole.body)).toHaveLength(10);
  });

  it("writes the content type, and an etag that is the one of the listing", async () => {
    const written = await driver.put?.(
      { key: "k", body: Buffer.from("{}"), contentType: "application/json" },
      ctx,
    );
    expect(await driver.stat("k", ctx)).toMatchObject({
      contentType: "application/json",
      etag: written?.etag,
    });
    const page = await driver.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
    expect(page.etags).toEqual([written?.etag]);
    expect(stand.fake.operations.at(-1)).toMatchObject({ kind: "put", blob: "k" });
  });

  it("needs no other permission than the one for the call", async () => {
    const tokens = await startAzureStand("azure_spi");
    const writer = await tokens.open(toAppFields("writer"));
    await writer.put?.({ key: "k", body: new Uint8Array(1) }, ctx);
    const lister = await tokens.open(toAppFields("lister"));
    const page = await lister.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
    expect(page.keys).toEqual(["k"]);
    expect(tokens.fake.counters).toMatchObject({ list: 1, put: 1, get: 0, head: 0, delete: 0 });
    await tokens.close();
  });
});

describe("signed URLs", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("stay the same within a window, and allow reading alone", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-26T08:10:00Z") });
    const options = { ...GET, windowSeconds: 600 };
    const first = await driver.presignRead?.("k", options, ctx);
    vi.setSystemTime(Date.parse("2026-11-26T08:19:59Z"));
    expect((await driver.presignRead?.("k", options, ctx))?.href).toBe(first?.href);
    vi.setSystemTime(Date.parse("2026-11-26T08:20:00Z"));
    expect((await driver.presignRead?.("k", options, ctx))?.href).not.toBe(first?.href);
    const query = Object.fromEntries(first?.searchParams ?? []);
    expect(query).toMatchObject({ sp: "r", sr: "b", se: "2026-11-26T09:10:00Z" });
    expect(Object.keys(query).sort()).toEqual(["se", "sig", "sp", "sr", "sv"]);
    expect(first?.href).not.toContain(OWNER_ACCOUNT.key);
  });

  it("do not write or delete", async () => {
    stand.fake.putBlob("suite", "k", "kept");
    const url = await driver.presignRead?.("k", GET, ctx);
    for (const method of ["PUT", "DELETE"]) {
      const headers = { "x-ms-blob-type": "BlockBlob" };
      expect((await fetch(String(url), { method, headers })).status).toBe(403);
    }
    expect(stand.fake.readBlob("suite", "k")?.toString()).toBe("kept");
  });

  it("of a service principal cost one request a day, and end with their key", async () => {
    const tokens = await startAzureStand("azure_spi");
    const signer = await tokens.open();
    const week = { ...GET, ttlSeconds: 7 * 86_400 };
    const urls = await Promise.all([1, 2, 3].map(async () => signer.presignRead?.("k", week, ctx)));
    expect(tokens.fake.counters.delegation_key).toBe(1);
    const end = urls[0]?.searchParams.get("se");
    expect(end).toBe(urls[0]?.searchParams.get("ske"));
    const hours = (Date.parse(end ?? "") - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(24);
    expect(hours).toBeLessThanOrEqual(48);
    await tokens.close();
  });

  it("are asked for again after a refusal, which may be mended meanwhile", async () => {
    const tokens = await startAzureStand("azure_spi");
    tokens.fake.inject({ kind: "error", status: 503, code: "ServerBusy", on: "delegation_key" });
    const signer = await tokens.open();
    await expect(signer.presignRead?.("k", GET, ctx)).rejects.toThrow();
    expect((await signer.presignRead?.("k", GET, ctx))?.searchParams.has("sig")).toBe(true);
    await tokens.close();
  });
});

describe("signing in", () => {
  it("fetches one token for many calls", async () => {
    const tokens = await startAzureStand("azure_spi");
    const open = await tokens.open();
    const list = () => open.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
    await Promise.all([list(), list(), list()]);
    await list();
    expect(tokens.entra?.tokenRequests).toBe(1);
    await tokens.close();
  });
});
