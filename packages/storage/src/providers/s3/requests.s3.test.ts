import http from "node:http";
import type { AddressInfo } from "node:net";
import { Secret } from "@bucketbridge/core";
import { startS3Fake } from "@bucketbridge/testkit/s3-fake";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import type { AmbientSettings } from "../provider-deps.ts";
import { openBucket } from "./open.ts";
import { fixedKeys } from "./sessions.ts";
import { s3Settings } from "./settings.ts";

const ctx = { signal: new AbortController().signal };
const KEYS = {
  accessKeyId: "AKIAOWNER",
  secretAccessKey: new Secret("owner"),
  sessionToken: undefined,
};
const body = new TextEncoder().encode("x");

describe("requests of the S3 driver", () => {
  const seen: http.IncomingMessage[] = [];
  let answer: (response: http.ServerResponse) => void;
  const server = http.createServer((request, response) => {
    seen.push(request.resume());
    answer(response);
  });
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  let endpoint = "";

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  beforeEach(() => {
    seen.length = 0;
    answer = (response) => {
      response.writeHead(200, { etag: '"e"' }).end();
    };
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await egress.close();
  });

  const open = (fields: Record<string, unknown> = {}, ambient: AmbientSettings = {}) => {
    const settings = s3Settings.parse({ bucket: "box", s3_endpoint: endpoint, ...fields });
    return openBucket(settings, { egress, ambient }, fixedKeys(KEYS));
  };

  it.each([
    [{}, {}, undefined],
    [{}, { s3EncryptsWrites: true }, "AES256"],
    [{ aws_sse_kms_key_id: "key-1" }, {}, "aws:kms"],
    [{ aws_sse_kms_key_id: "key-1" }, { s3EncryptsWrites: true }, "aws:kms"],
  ])(
    "encrypt what is written as settings %j and operator %j say: %s",
    async (fields, ambient, how) => {
      const driver = await open(fields, ambient);
      await driver.put({ key: "k", body }, ctx);
      expect(seen[0]?.headers["x-amz-server-side-encryption"]).toBe(how);
    },
  );

  it("name the account that must own the bucket, every one of them", async () => {
    const driver = await open({ expected_bucket_owner: "123456789012" });
    await driver.put({ key: "k", body }, ctx);
    await driver.stat("k", ctx);
    await driver.read({ key: "k" }, ctx);
    await driver.delete("k", ctx);
    await driver.listPage({ prefix: "", recursive: true, limit: 1 }, ctx).catch(() => undefined);
    expect(seen).toHaveLength(5);
    for (const { headers } of seen)
      expect(headers["x-amz-expected-bucket-owner"]).toBe("123456789012");
  });

  it("are ended when an error goes on for ever", async () => {
    let sent = 0;
    answer = (response) => {
      response.writeHead(500);
      const send = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, "x"))) sent += 64;
        if (!response.destroyed) response.once("drain", send);
      };
      send();
    };
    const driver = await open();
    const failure: unknown = await driver.delete("k", ctx).catch((error: unknown) => error);
    expect(driver.classifyError(failure) ?? failure).toMatchObject({ code: "unavailable" });
    expect(sent).toBeLessThan(64 * 1024);
  });
});

describe("the region of a bucket", () => {
  it("is found out once for all clients of a process", async () => {
    const fake = await startS3Fake({
      buckets: [{ name: "far", region: "eu-west-1", wrongRegion: "malformed" }],
      accessKeys: [{ accessKeyId: "AKIAOWNER", secretAccessKey: "owner" }],
    });
    const egress = createEgress({ allow: ["loopback"], denied: [] });
    const settings = s3Settings.parse({ bucket: "far", s3_endpoint: fake.endpoint });
    const list = async () => {
      const driver = await openBucket(settings, { egress, ambient: {} }, fixedKeys(KEYS));
      await driver.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);
    };
    await list();
    expect(fake.counters.list).toBe(2);
    await list();
    expect(fake.counters.list).toBe(3);
    await Promise.all([egress.close(), fake.close()]);
  });
});
