import {
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type ListObjectsV2CommandInput,
} from "@aws-sdk/client-s3";
import { compareKeys } from "@bucketbridge/core";
import { afterEach, describe, expect, it } from "vitest";
import { startS3Fake, type S3AccessKey, type S3Fake, type S3FakeOptions } from "./index.ts";

const fakes: S3Fake[] = [];
afterEach(async () => {
  await Promise.all(fakes.splice(0).map((fake) => fake.close()));
});

async function start(options: S3FakeOptions = {}): Promise<{ fake: S3Fake; client: S3Client }> {
  const fake = await startS3Fake({ buckets: ["box"], ...options });
  fakes.push(fake);
  return { fake, client: clientOf(fake) };
}

function clientOf(fake: S3Fake, key: S3AccessKey | undefined = fake.accessKeys[0]): S3Client {
  const { accessKeyId = "", secretAccessKey = "", sessionToken } = key ?? {};
  return new S3Client({
    endpoint: fake.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
  });
}

async function listAll(
  client: S3Client,
  input: Partial<ListObjectsV2CommandInput>,
): Promise<string[][]> {
  const pages: string[][] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: "box", ...input, ContinuationToken: token }),
    );
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? "");
    pages.push([...(page.Contents ?? []).map(({ Key }) => Key ?? ""), ...prefixes]);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return pages;
}

describe("signatures", () => {
  it.each([
    ["an unknown key", { accessKeyId: "AKIAUNKNOWN", secretAccessKey: "x" }, "InvalidAccessKeyId"],
    ["a wrong secret", { accessKeyId: "A", secretAccessKey: "wrong" }, "SignatureDoesNotMatch"],
    ["a missing token", { accessKeyId: "S", secretAccessKey: "s" }, "InvalidToken"],
    [
      "a wrong token",
      { accessKeyId: "S", secretAccessKey: "s", sessionToken: "no" },
      "InvalidToken",
    ],
    [
      "an expired session",
      { accessKeyId: "E", secretAccessKey: "e", sessionToken: "t" },
      "ExpiredToken",
    ],
  ])("are refused with %s", async (_case, key, code) => {
    const { fake } = await start({
      accessKeys: [
        { accessKeyId: "A", secretAccessKey: "a" },
        { accessKeyId: "S", secretAccessKey: "s", sessionToken: "token" },
        { accessKeyId: "E", secretAccessKey: "e", sessionToken: "t", expired: true },
      ],
    });
    const client = clientOf(fake, key);
    await expect(client.send(new ListObjectsV2Command({ Bucket: "box" }))).rejects.toMatchObject({
      name: code,
    });
  });

  it("are taken with the right session token, and with keys that need every kind of encoding", async () => {
    const key = { accessKeyId: "S", secretAccessKey: "s/+=", sessionToken: "to/ke+n==" };
    const { fake } = await start({ accessKeys: [key] });
    const client = clientOf(fake, key);
    for (const name of ["a b+c%d/e//f", "ü/🎉", "!'()*~&=?#", "./x"]) {
      await client.send(new PutObjectCommand({ Bucket: "box", Key: name, Body: name }));
      expect(fake.readObject("box", name)?.toString()).toBe(name);
    }
  });

  it("are refused when the clock differs too much", async () => {
    const { client } = await start({ now: () => Date.now() + 3_600_000 });
    await expect(client.send(new ListObjectsV2Command({ Bucket: "box" }))).rejects.toMatchObject({
      name: "RequestTimeTooSkewed",
    });
  });

  it("are refused without a signature at all", async () => {
    const { fake } = await start();
    const answer = await fetch(`${fake.endpoint}/box/key`);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("<Code>AccessDenied</Code>");
  });

  it.each([
    ["redirect", 301, "PermanentRedirect"],
    ["malformed", 400, "AuthorizationHeaderMalformed"],
  ] as const)("for another region are refused as %s", async (wrongRegion, status, name) => {
    const { client } = await start({
      buckets: [{ name: "far", region: "eu-west-1", wrongRegion }],
    });
    await expect(client.send(new ListObjectsV2Command({ Bucket: "far" }))).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: status },
      $response: { headers: { "x-amz-bucket-region": "eu-west-1" } },
    });
  });
});

describe("listing", () => {
  const KEYS = ["a", "a/1", "a/2/x", "a/2/y", "b", "b/1", "é", "～", "🎉", "z"];

  it.each([1, 2, 3, 7, 1_000])(
    "gives every key once, in byte order, with pages of %i",
    async (MaxKeys) => {
      const { fake, client } = await start();
      for (const key of KEYS) fake.putObject("box", key, key);
      const pages = await listAll(client, { MaxKeys });
      expect(pages.every((page) => page.length <= MaxKeys)).toBe(true);
      expect(pages.flat()).toEqual([...KEYS].sort(compareKeys));
    },
  );

  it.each([1, 2, 1_000])("groups by the delimiter with pages of %i", async (MaxKeys) => {
    const { fake, client } = await start();
    for (const key of KEYS) fake.putObject("box", key, key);
    const top = await listAll(client, { MaxKeys, Delimiter: "/" });
    expect(top.flat().sort(compareKeys)).toEqual(
      ["a", "a/", "b", "b/", "z", "é", "～", "🎉"].sort(compareKeys),
    );
    const inner = await listAll(client, { MaxKeys, Delimiter: "/", Prefix: "a/" });
    expect(inner.flat()).toEqual(["a/1", "a/2/"]);
  });

  it("starts behind a key that need not exist", async () => {
    const { fake, client } = await start();
    for (const key of ["k1", "k2", "k3"]) fake.putObject("box", key, "");
    expect(await listAll(client, { StartAfter: "k1" })).toEqual([["k2", "k3"]]);
    expect(await listAll(client, { StartAfter: "k1z" })).toEqual([["k2", "k3"]]);
    expect(await listAll(client, { StartAfter: "k3" })).toEqual([[]]);
  });

  it("never gives more than 1,000 entries", async () => {
    const { fake, client } = await start();
    for (let index = 0; index < 1_100; index++) fake.putObject("box", `k${String(index)}`, "");
    expect((await listAll(client, { MaxKeys: 5_000 })).map((page) => page.length)).toEqual([
      1_000, 100,
    ]);
  });

  it("encodes keys only when it is asked to", async () => {
    const { fake, client } = await start();
    fake.putObject("box", "a b+c/ü\u0001", "");
    expect(await listAll(client, { EncodingType: "url" })).toEqual([["a+b%2Bc/%C3%BC%01"]]);
  });

  it("refuses tokens that a test let expire", async () => {
    const { fake, client } = await start();
    fake.putObject("box", "a", "");
    fake.putObject("box", "b", "");
    const page = await client.send(new ListObjectsV2Command({ Bucket: "box", MaxKeys: 1 }));
    fake.expireTokens();
    const next = new ListObjectsV2Command({
      Bucket: "box",
      ContinuationToken: page.NextContinuationToken,
    });
    await expect(client.send(next)).rejects.toMatchObject({ name: "InvalidArgument" });
  });

  it("gives a rendered listing of many keys like an ordinary one", async () => {
    const { fake, client } = await start();
    const key = (index: number): string =>
      `dir${String(index % 10_000 === index ? 0 : 1)}/k${String(index).padStart(8, "0")}`;
    fake.preRender("box", { count: 12_345, key });
    const all = Array.from({ length: 12_345 }, (_, index) => key(index));
    expect((await listAll(client, {})).flat()).toEqual(all);
    expect((await listAll(client, { Prefix: "dir1/" })).flat()).toEqual(all.slice(10_000));
    expect((await listAll(client, { StartAfter: key(12_000) })).flat()).toEqual(all.slice(12_001));
  });
});

describe("objects", () => {
  it("keep type and encryption, and answer ranges and conditions", async () => {
    const { client } = await start();
    const { ETag } = await client.send(
      new PutObjectCommand({
        Bucket: "box",
        Key: "k",
        Body: "0123456789",
        ContentType: "text/x-test",
        ServerSideEncryption: "aws:kms",
        SSEKMSKeyId: "key-1",
      }),
    );
    const part = await client.send(
      new GetObjectCommand({ Bucket: "box", Key: "k", Range: "bytes=-3", IfMatch: ETag }),
    );
    expect(await part.Body?.transformToString()).toBe("789");
    expect(part).toMatchObject({
      ContentRange: "bytes 7-9/10",
      ContentType: "text/x-test",
      SSEKMSKeyId: "key-1",
    });
    const head = await client.send(new HeadObjectCommand({ Bucket: "box", Key: "k" }));
    expect(head).toMatchObject({ ContentLength: 10, ServerSideEncryption: "aws:kms" });
    const past = new GetObjectCommand({ Bucket: "box", Key: "k", Range: "bytes=10-" });
    await expect(client.send(past)).rejects.toMatchObject({ name: "InvalidRange" });
    const stale = new GetObjectCommand({ Bucket: "box", Key: "k", IfMatch: '"other"' });
    await expect(client.send(stale)).rejects.toMatchObject({ name: "PreconditionFailed" });
  });

  it("are written on absence once and on an etag only while it is the newest", async () => {
    const { client } = await start();
    const put = (Body: string, condition: object): Promise<unknown> =>
      client.send(new PutObjectCommand({ Bucket: "box", Key: "k", Body, ...condition }));
    await put("1", { IfNoneMatch: "*" });
    await expect(put("2", { IfNoneMatch: "*" })).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket: "box", Key: "k" }));
    await put("3", { IfMatch: ETag });
    await expect(put("4", { IfMatch: ETag })).rejects.toMatchObject({ name: "PreconditionFailed" });
  });

  it("are deleted twice without an error, and the log has what happened in its order", async () => {
    const { fake, client } = await start();
    await client.send(new PutObjectCommand({ Bucket: "box", Key: "k", Body: "1" }));
    await client.send(new DeleteObjectCommand({ Bucket: "box", Key: "k" }));
    await client.send(new DeleteObjectCommand({ Bucket: "box", Key: "k" }));
    expect(fake.operations.map(({ sequence, kind, key }) => [sequence, kind, key])).toEqual([
      [1, "put", "k"],
      [2, "delete", "k"],
      [3, "delete", "k"],
    ]);
    expect(fake.counters).toMatchObject({ put: 1, delete: 2, get: 0 });
  });

  it("lie in buckets that exist", async () => {
    const { client } = await start();
    await client.send(new HeadBucketCommand({ Bucket: "box" }));
    await client.send(new GetBucketLocationCommand({ Bucket: "box" }));
    const list = new ListObjectsV2Command({ Bucket: "nope" });
    await expect(client.send(list)).rejects.toMatchObject({ name: "NoSuchBucket" });
    const get = new GetObjectCommand({ Bucket: "box", Key: "nope" });
    await expect(client.send(get)).rejects.toMatchObject({ name: "NoSuchKey" });
  });
});

describe("permissions", () => {
  it("are what the access key has", async () => {
    const writer = { accessKeyId: "W", secretAccessKey: "w", allow: ["write"] } as const;
    const lister = { accessKeyId: "L", secretAccessKey: "l", allow: ["list"] } as const;
    const { fake } = await start({ accessKeys: [writer, lister] });
    const denied = { name: "AccessDenied" };
    const list = new ListObjectsV2Command({ Bucket: "box" });
    const get = new GetObjectCommand({ Bucket: "box", Key: "k" });
    await clientOf(fake, writer).send(new PutObjectCommand({ Bucket: "box", Key: "k", Body: "" }));
    await expect(clientOf(fake, writer).send(list)).rejects.toMatchObject(denied);
    await expect(clientOf(fake, writer).send(get)).rejects.toMatchObject(denied);
    await clientOf(fake, lister).send(list);
    await expect(clientOf(fake, lister).send(get)).rejects.toMatchObject(denied);
  });
});

describe("faults", () => {
  const put = (client: S3Client, body: string): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: "box", Key: "k", Body: body }));

  it("hit as many requests as they should, of the key they name", async () => {
    const { fake, client } = await start();
    const fault = fake.inject({
      on: "put",
      key: "k",
      times: 2,
      kind: "error",
      status: 503,
      code: "SlowDown",
    });
    await client.send(new PutObjectCommand({ Bucket: "box", Key: "other", Body: "" }));
    await expect(put(client, "1")).rejects.toMatchObject({ name: "SlowDown" });
    await expect(put(client, "2")).rejects.toMatchObject({ name: "SlowDown" });
    await put(client, "3");
    expect(fault.hits).toBe(2);
    expect(fake.listKeys("box")).toEqual(["k", "other"]);
  });

  it("can do a write and lose the answer", async () => {
    const { fake, client } = await start();
    fake.inject({ on: "put", kind: "applied_reset" });
    await expect(put(client, "1")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(fake.readObject("box", "k")?.toString()).toBe("1");
  });

  it("can do a write long after its answer was lost, over what came in between", async () => {
    const { fake, client } = await start({ describe: (body) => body.toString() });
    const late = fake.inject({ on: "put", kind: "late_apply" });
    await expect(put(client, "old")).rejects.toMatchObject({ code: "ECONNRESET" });
    await put(client, "new");
    expect(fake.readObject("box", "k")?.toString()).toBe("new");
    late.release();
    expect(fake.readObject("box", "k")?.toString()).toBe("old");
    expect(fake.operations.map(({ isLate, description }) => [isLate, description])).toEqual([
      [false, "new"],
      [true, "old"],
    ]);
  });

  it("can cut a body in the middle", async () => {
    const { fake, client } = await start();
    fake.putPattern("box", "big", 1_000_000);
    fake.inject({ on: "get", kind: "cut", afterBytes: 100_000 });
    const { Body } = await client.send(new GetObjectCommand({ Bucket: "box", Key: "big" }));
    await expect(Body?.transformToByteArray()).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(fake.bytesSent).toBe(100_000);
  });
});
