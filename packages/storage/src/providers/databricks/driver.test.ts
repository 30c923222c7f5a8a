import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { startDatabricksFake, type DatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { classifyFailure } from "../../failure.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openDatabricks } from "../../testing/databricks-harness.ts";
import { databricksProvider } from "./index.ts";

const egress = createEgress({ allow: ["loopback"], denied: [] });
const closed = createEgress({ allow: [], denied: [] });
const calm = { signal: new AbortController().signal };
let fake: DatabricksFake;
let tls: DatabricksFake;
beforeAll(async () => {
  const tokens = [
    { token: "owner" },
    { token: "lister", allow: ["list"] as const },
    { token: "writer", allow: ["write"] as const },
    { token: "nobody", allow: [] },
  ];
  fake = await startDatabricksFake({ volumes: ["c/s/v"], tokens });
  tls = await startDatabricksFake({ volumes: ["c/s/v"], tokens, tls: true });
  for (const one of [fake, tls]) one.putFile("c/s/v/img/a.jpg", "0123456789");
});
afterAll(async () => {
  await egress.close();
  await closed.close();
  await fake.close();
  await tls.close();
});

function fieldsOf(token: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { host: fake.endpoint, catalog: "c", schema: "s", volume: "v", token, ...more };
}

describe("least privilege", () => {
  it("lists a source with the permission to list alone, and downloads nothing", async () => {
    const driver = await openDatabricks(fieldsOf("lister"), egress);
    const before = { ...fake.counters };
    const page = await driver.listPage({ prefix: "img/", recursive: true, limit: 10 }, calm);
    expect(page.keys).toEqual(["img/a.jpg"]);
    expect(fake.counters).toMatchObject({ get: before.get, head: before.head });
    await driver.close();
  });

  it("writes a target with the permission to write alone: one request, no look-up", async () => {
    const driver = await openDatabricks(fieldsOf("writer"), egress);
    const before = { ...fake.counters };
    await driver.put?.({ key: "out/1", body: Buffer.from("{}") }, calm);
    await driver.put?.({ key: "out/1", body: Buffer.from("{2}") }, calm);
    expect(fake.readFile("c/s/v/out/1")?.toString()).toBe("{2}");
    expect(fake.counters).toEqual({ ...before, put: before.put + 2 });
    await driver.close();
  });
});

describe("the check of a connection", () => {
  interface Check {
    readonly prefix?: string;
    readonly direction?: "source" | "target";
    readonly way?: typeof egress;
    readonly timeoutMs?: number;
  }

  async function check(
    fields: Record<string, unknown>,
    { prefix = "", direction = "source", way = egress, timeoutMs = 20_000 }: Check = {},
  ): Promise<unknown> {
    const driver = await openDatabricks(fields, way);
    const options = { direction, prefix, signal: AbortSignal.timeout(timeoutMs) };
    const settings = databricksProvider.settings.parse(fields);
    const result: unknown = await databricksProvider.validate(driver, settings, options).then(
      () => "valid",
      (error: unknown) => error,
    );
    await driver.close();
    return result;
  }

  it.each([
    [{ prefix: "" }],
    [{ prefix: "img" }],
    [{ prefix: "img/" }],
    [{ prefix: "nowhere", direction: "target" as const }],
  ])("passes for %j", async (options) => {
    expect(await check(fieldsOf("owner"), options)).toBe("valid");
  });

  it("names a prefix that leads nowhere and what to verify", async () => {
    expect(await check(fieldsOf("owner"), { prefix: "nowhere" })).toMatchObject({
      code: "not_found",
      reason: "databricks.prefix_not_found",
      message:
        "No files found in /Volumes/c/s/v/nowhere: verify the path and that the token may read the volume (READ VOLUME).",
    });
  });

  it.each([
    [
      fieldsOf.bind(null, "wrong"),
      "databricks.token_refused",
      /^Cannot connect to Databricks volume \/Volumes\/c\/s\/v: the workspace does not accept the token/,
    ],
    [fieldsOf.bind(null, "nobody"), "databricks.access_denied", /READ VOLUME/],
    [
      () => fieldsOf("owner", { volume: "missing" }),
      "databricks.volume_not_found",
      /the volume does not exist/,
    ],
    [
      () => fieldsOf("owner", { host: "http://127.0.0.1:1" }),
      "databricks.unreachable",
      /ECONNREFUSED/,
    ],
  ])("names what is wrong %#", async (fields, reason, message) => {
    expect(await check(fields())).toMatchObject({
      reason,
      message: expect.stringMatching(message) as string,
    });
  });

  it("calls a target whose volume may not be listed permission_denied, which the caller turns into a warning", async () => {
    expect(await check(fieldsOf("writer"), { direction: "target" })).toMatchObject({
      code: "permission_denied",
    });
  });

  it("refuses a private host with the contract's sentence, whether certificates are verified or not", async () => {
    for (const verify of [true, false]) {
      expect(await check(fieldsOf("owner", { verify_tls: verify }), { way: closed })).toMatchObject(
        {
          code: "permission_denied",
          reason: "egress.private_address",
          message:
            "URL resolves to a reserved network address (block: 127.0.0.0/8) Allow it with BUCKETBRIDGE_EGRESS_ALLOW.",
        },
      );
    }
  });

  it("says that the workspace is silent when the deadline passes", async () => {
    fake.inject({ on: "list", kind: "silent" });
    expect(await check(fieldsOf("owner"), { timeoutMs: 50 })).toMatchObject({
      message:
        "Cannot connect to Databricks volume /Volumes/c/s/v: the workspace did not answer in time",
    });
  });
});

describe("a host with a certificate that nobody signed", () => {
  async function statOf(verify: boolean | null, way = egress): Promise<unknown> {
    const driver = await openDatabricks(
      fieldsOf("owner", { host: `${tls.endpoint}/`, verify_tls: verify }),
      way,
    );
    const result: unknown = await driver
      .stat("img/a.jpg", calm)
      .catch((error: unknown) => classifyFailure(driver, error));
    await driver.close();
    return result;
  }

  it("is refused unless the user turned verification off", async () => {
    for (const verify of [true, null])
      expect(await statOf(verify)).toMatchObject({
        code: "invalid_config",
        reason: "databricks.certificate",
      });
    expect(await statOf(false)).toMatchObject({ size: 10 });
  });

  it("is not reached at an address that is not allowed, verified or not", async () => {
    let connections = 0;
    const canary = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
    const host = `https://127.0.0.1:${String((canary.address() as AddressInfo).port)}`;
    for (const verify of [true, false]) {
      const driver = await openDatabricks(fieldsOf("owner", { host, verify_tls: verify }), closed);
      const error: unknown = await driver.stat("x", calm).catch((caught: unknown) => caught);
      expect(classifyFailure(driver, error)).toMatchObject({ reason: "egress.private_address" });
      await driver.close();
    }
    expect(connections).toBe(0);
    await new Promise((resolve) => canary.close(resolve));
  });
});

describe("a body", () => {
  async function sizesOf(driver: StorageDriver): Promise<number[]> {
    const { body } = await driver.read({ key: "large" }, calm);
    const sizes: number[] = [];
    for await (const chunk of body) sizes.push(chunk.byteLength);
    return sizes;
  }

  it("comes in pieces of the size that the user set, 4 MiB at most", async () => {
    fake.putFile("c/s/v/large", Buffer.alloc(9 * 1024 * 1024));
    const small = await openDatabricks(
      fieldsOf("owner", { stream_chunk_bytes: 1_000_000 }),
      egress,
    );
    const sizes = await sizesOf(small);
    expect(sizes.slice(0, -1).every((size) => size === 1_000_000)).toBe(true);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(9 * 1024 * 1024);
    const large = await openDatabricks(fieldsOf("owner", { stream_chunk_bytes: 1e9 }), egress);
    expect(await sizesOf(large)).toEqual([4, 4, 1].map((mib) => mib * 1024 * 1024));
    await small.close();
    await large.close();
  });

  it("ends its request when it is given back, in pieces too", async () => {
    const driver = await openDatabricks(fieldsOf("owner", { stream_chunk_bytes: 1_000 }), egress);
    for (const isStarted of [true, false]) {
      const { body } = await driver.read({ key: "large" }, calm);
      const chunks = body[Symbol.asyncIterator]();
      if (isStarted) await chunks.next();
      await chunks.return?.();
    }
    await expect.poll(() => fake.openBodies).toBe(0);
    await driver.close();
  });

  it("of a changed file is refused by its size too, when the second of its writing is the same", async () => {
    const driver = await openDatabricks(fieldsOf("owner"), egress);
    const { etag = "" } = await driver.stat("img/a.jpg", calm);
    const [, seconds = ""] = etag.split("-");
    const error: unknown = await driver
      .read({ key: "img/a.jpg", ifEtag: `11-${seconds}` }, calm)
      .catch((caught: unknown) => caught);
    expect(driver.classifyError(error)).toMatchObject({ code: "precondition_failed" });
    await expect.poll(() => fake.openBodies).toBe(0);
    await driver.close();
  });
});
