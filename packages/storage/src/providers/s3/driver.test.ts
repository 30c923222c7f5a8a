import { startS3Fake, type S3Fake, type S3FakeOptions } from "@bucketbridge/testkit/s3-fake";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { ObjectStore } from "../../object-store.ts";
import { openS3 } from "../../testing/s3-harness.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const ctx = { signal: new AbortController().signal };
const KEY = { aws_access_key_id: "AKIAOWNER", aws_secret_access_key: "owner" };
const MIB = 1024 * 1024;

const fakes: S3Fake[] = [];
afterEach(async () => {
  await Promise.all(fakes.splice(0).map((fake) => fake.close()));
});
afterAll(() => egress.close());

async function start(
  options: S3FakeOptions = {},
  fields: Record<string, unknown> = {},
): Promise<{ fake: S3Fake; driver: StorageDriver; store: ObjectStore }> {
  const accessKeys = [{ accessKeyId: "AKIAOWNER", secretAccessKey: "owner" }];
  const fake = await startS3Fake({ buckets: ["box"], accessKeys, ...options });
  fakes.push(fake);
  const driver = await openS3(
    { bucket: "box", s3_endpoint: fake.endpoint, ...KEY, ...fields },
    egress,
  );
  return { fake, driver, store: new ObjectStore(driver, { provider: "s3", place: "s3://box" }) };
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => "resolved",
    (error: unknown) => error,
  );
}

describe("reading", () => {
  it("stops a body of 1 GB at the store when its reader stops after 1 MB", async () => {
    const { fake, store } = await start();
    fake.putPattern("box", "huge", 1_000_000_000);
    const { body, info } = await store.read("huge", {}, ctx);
    expect(info.size).toBe(1_000_000_000);
    let read = 0;
    for await (const chunk of body) {
      read += chunk.byteLength;
      if (read >= MIB) break;
    }
    await expect.poll(() => fake.openBodies, { interval: 10 }).toBe(0);
    // What lies in the buffers of two sockets on its way; the kernel takes some megabytes on loopback.
    expect(fake.bytesSent).toBeLessThan(32 * MIB);
  });

  it("takes no more from the store than its reader asks for, so that memory stays flat", async () => {
    const { fake, store } = await start();
    fake.putPattern("box", "large", 200 * MIB);
    let read = 0;
    let mostAhead = 0;
    const { body } = await store.read("large", {}, ctx);
    for await (const chunk of body) {
      read += chunk.byteLength;
      // The store gets its turn to send ahead.
      await new Promise((resolve) => setImmediate(resolve));
      mostAhead = Math.max(mostAhead, fake.bytesSent - read);
    }
    expect(read).toBe(200 * MIB);
    expect(mostAhead).toBeLessThan(32 * MIB);
  });

  it("reports a body that breaks in the middle as unavailable", async () => {
    const { fake, store } = await start();
    fake.putPattern("box", "k", 4 * MIB);
    fake.inject({ on: "get", kind: "cut", afterBytes: MIB });
    const { body } = await store.read("k", {}, ctx);
    const drain = async (): Promise<void> => {
      for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0);
    };
    expect(await codeOf(drain())).toMatchObject({ code: "unavailable", op: "storage.read" });
  });

  it("refuses a whole object where a part was asked for", async () => {
    const { fake, driver } = await start();
    fake.putObject("box", "k", "0123456789");
    fake.inject({ on: "get", kind: "body", body: "0123456789" });
    const range = { offset: 5, length: 2 };
    expect(await codeOf(driver.read({ key: "k", range }, ctx))).toMatchObject({
      code: "unavailable",
      reason: "s3.malformed_answer",
    });
  });

  it("ends a request whose signal is aborted while the store is silent", async () => {
    const { fake, store } = await start();
    fake.inject({ on: "get", kind: "silent" });
    const controller = new AbortController();
    const pending = codeOf(store.read("k", {}, { signal: controller.signal }));
    await expect.poll(() => fake.counters.get).toBe(1);
    controller.abort();
    expect(await pending).toMatchObject({ code: "canceled" });
  });
});

describe("listing", () => {
  const whole = { prefix: "", recursive: true, limit: 2 } as const;

  it("says that a token has expired, so that the listing can go on after a key", async () => {
    const { fake, driver } = await start();
    for (const key of ["a", "b", "c"]) fake.putObject("box", key, "");
    const { cursor } = await driver.listPage(whole, ctx);
    fake.expireTokens();
    const error = await codeOf(driver.listPage({ ...whole, cursor }, ctx));
    expect(driver.classifyError(error)).toMatchObject({
      code: "invalid_input",
      reason: "s3.cursor_expired",
    });
    expect((await driver.listPage({ ...whole, after: "b" }, ctx)).keys).toEqual(["c"]);
  });

  const page = (inside: string): string => `<ListBucketResult>${inside}</ListBucketResult>`;

  it.each([
    ["a web page", "<html><body>console</body></html>"],
    ["an empty answer", ""],
    ["JSON", '{"error":"no"}'],
    ["a page that does not say whether it is the last", page("<KeyCount>0</KeyCount>")],
    ["a page without the token of the next", page("<IsTruncated>true</IsTruncated>")],
  ])("never takes %s for the end of the listing", async (_what, body) => {
    const { fake, store } = await start();
    fake.inject({ on: "list", kind: "body", body });
    expect(await codeOf(store.pages({}, ctx).next())).toMatchObject({
      code: "unavailable",
      reason: "s3.malformed_answer",
    });
  });

  it("decodes keys only where the store says that it encoded them", async () => {
    const { fake, driver } = await start();
    const item = "<Contents><Key>a+b%20c</Key><Size>1</Size></Contents>";
    const head = "<IsTruncated>false</IsTruncated>";
    fake.inject({ on: "list", kind: "body", body: page(head + item) });
    expect((await driver.listPage(whole, ctx)).keys).toEqual(["a+b%20c"]);
    fake.inject({
      on: "list",
      kind: "body",
      body: page(`${head}<EncodingType>url</EncodingType>${item}`),
    });
    expect((await driver.listPage(whole, ctx)).keys).toEqual(["a b c"]);
  });

  it("reads what its own parser does not know with the SDK's", async () => {
    const { fake, driver } = await start();
    const body = page(
      "<IsTruncated>false</IsTruncated><!-- x --><Contents><Key>k</Key><Size>3</Size></Contents>",
    );
    fake.inject({ on: "list", kind: "body", body });
    const { keys, sizes, etags, modified, cursor } = await driver.listPage(whole, ctx);
    expect({ keys, sizes, etags, modified, cursor }).toEqual({
      keys: ["k"],
      sizes: [3],
      etags: [""],
      modified: [0],
      cursor: undefined,
    });
  });

  it("reports keys that are not UTF-8 instead of losing them", async () => {
    const { fake, driver } = await start();
    const items = ["ok", "%C3%BC+bad%FFz", "z"].map(
      (key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`,
    );
    const head = "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>";
    fake.inject({ on: "list", kind: "body", body: page(head + items.join("")) });
    const listed = await driver.listPage(whole, ctx);
    expect(listed.keys).toEqual(["ok", "z"]);
    expect(listed.sizes).toHaveLength(2);
    expect(listed.unreadable).toMatchObject([{ name: "ü+bad\\xffz", code: "key_not_utf8" }]);
  });

  it("declares no order for directory buckets", async () => {
    const { driver } = await start({}, { bucket: "fast--use1-az4--x-s3" });
    expect(driver.traits).toMatchObject({ order: "none", listAfter: false });
  });

  it("holds no endless page", async () => {
    const { fake, driver } = await start();
    const endless = "<Contents>".repeat(4 * MIB);
    fake.inject({ on: "list", kind: "body", body: `<ListBucketResult>${endless}` });
    const error = await codeOf(driver.listPage({ prefix: "", recursive: true, limit: 10 }, ctx));
    expect(error).toMatchObject({ reason: "s3.malformed_answer" });
    expect((error as Error).message).toContain("more than 33554432 bytes");
  });
});

describe("writing", () => {
  const body = new TextEncoder().encode("{}");

  it("needs the permission to write and no other", async () => {
    const accessKeys = [
      { accessKeyId: "AKIAOWNER", secretAccessKey: "owner", allow: ["write"] as const },
    ];
    const { fake, store } = await start({ accessKeys });
    const info = await store.put({ key: "k", body, contentType: "application/json" }, ctx);
    expect(info).toMatchObject({ key: "k", size: 2, etag: "99914b932bd37a50b983c5e7c90ae93b" });
    expect(fake.counters).toMatchObject({ put: 1, get: 0, head: 0, list: 0, head_bucket: 0 });
  });

  it("encrypts with the storage's KMS key", async () => {
    const { fake, driver } = await start({}, { aws_sse_kms_key_id: "key-1" });
    await driver.put?.({ key: "k", body }, ctx);
    const plain = await openS3({ bucket: "box", s3_endpoint: fake.endpoint, ...KEY }, egress);
    const url = await plain.presignRead?.("k", { method: "GET", ttlSeconds: 60 }, ctx);
    const { headers } = await fetch(url ?? "");
    expect(headers.get("x-amz-server-side-encryption")).toBe("aws:kms");
    expect(headers.get("x-amz-server-side-encryption-aws-kms-key-id")).toBe("key-1");
  });

  it("does not believe a 200 that is not S3's answer to a put", async () => {
    const { fake, store } = await start();
    const put = async (): Promise<unknown> => codeOf(store.put({ key: "k", body }, ctx));
    fake.inject({ kind: "body", on: "put", body: "<html>sign in</html>" });
    expect(await put()).toMatchObject({ code: "unavailable", reason: "s3.malformed_answer" });
    fake.inject({ kind: "error_in_200", on: "put", code: "InternalError" });
    expect(await put()).toMatchObject({ code: "unavailable" });
    expect(fake.readObject("box", "k")).toBeUndefined();
  });

  it("fails an etag condition on an object that is gone as precondition_failed", async () => {
    const { store } = await start();
    const put = store.put({ key: "gone", body, condition: { kind: "etag", etag: "x" } }, ctx);
    expect(await codeOf(put)).toMatchObject({ code: "precondition_failed" });
  });
});

describe("regions", () => {
  it.each(["redirect", "malformed"] as const)(
    "follows the bucket after a %s, for every call",
    async (wrongRegion) => {
      const { fake, driver } = await start({
        buckets: [{ name: "box", region: "eu-west-1", wrongRegion }],
      });
      fake.putObject("box", "k", "x");
      expect((await driver.stat("k", ctx)).size).toBe(1);
      expect((await driver.listPage({ prefix: "", recursive: true, limit: 9 }, ctx)).keys).toEqual([
        "k",
      ]);
      // One refusal in all: the second call went to the right region at once.
      expect(fake.counters).toMatchObject({ head: 2, list: 1 });
    },
  );

  it("stops after one turn when the store points in circles", async () => {
    const { fake, store } = await start({ buckets: [{ name: "box", region: "eu-west-1" }] });
    const headers = { "x-amz-bucket-region": "ap-south-1" };
    fake.inject({
      on: "list",
      times: 9,
      kind: "error",
      status: 301,
      code: "PermanentRedirect",
      headers,
    });
    expect(await codeOf(store.pages({}, ctx).next())).toMatchObject({
      code: "invalid_config",
      reason: "s3.wrong_region",
    });
    expect(fake.counters.list).toBe(2);
  });

  it("takes no region that would change the host", async () => {
    const { fake, store } = await start();
    const headers = { "x-amz-bucket-region": "evil.example/#" };
    fake.inject({ on: "list", kind: "error", status: 301, code: "PermanentRedirect", headers });
    expect(await codeOf(store.pages({}, ctx).next())).toMatchObject({ reason: "s3.wrong_region" });
    expect(fake.counters.list).toBe(1);
  });
});

describe("close", () => {
  it("leaves the connections of other storages alone", async () => {
    const { fake, driver, store } = await start();
    fake.putPattern("box", "k", 8 * MIB);
    const { body } = await store.read("k", {}, ctx);
    const other = await openS3({ bucket: "box", s3_endpoint: fake.endpoint, ...KEY }, egress);
    await other.stat("k", ctx);
    await other.close();
    let read = 0;
    for await (const chunk of body) read += chunk.byteLength;
    expect(read).toBe(8 * MIB);
    await driver.close();
  });
});
