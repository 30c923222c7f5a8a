import { findCanary, startS3Fake, toCanary, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("s3 storages on a store that checks signatures", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_s3", stores.change);
  let s3: S3Fake;
  let project = 0;
  let keys: Json = {};

  beforeAll(async () => {
    s3 = await startS3Fake({
      buckets: ["cats", { name: "far", region: "eu-west-1", wrongRegion: "malformed" }],
    });
    for (const key of ["a.jpg", "dir/b.jpg", "dir/c.txt"]) s3.putObject("cats", key, key);
    const [key] = s3.accessKeys;
    keys = {
      s3_endpoint: s3.endpoint,
      aws_access_key_id: key?.accessKeyId,
      aws_secret_access_key: key?.secretAccessKey,
    };
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  afterAll(() => s3.close());

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Json>();
  }
  const create = (payload: Json, status = 201) =>
    call(
      { method: "POST", url: "/api/storages/s3/", payload: { project, ...keys, ...payload } },
      status,
    );
  const complaint = (answer: Json) => (answer["validation_errors"] as Json)["non_field_errors"];

  it("are created, previewed and shown without their keys", async () => {
    const storage = await create({ bucket: "cats", prefix: "dir" });
    expect(storage).toMatchObject({ bucket: "cats", prefix: "dir", s3_endpoint: s3.endpoint });
    const secret = toCanary(String(keys["aws_secret_access_key"]));
    expect(findCanary(JSON.stringify(storage), secret)).toEqual([]);
    const preview = {
      method: "POST",
      url: "/api/storages/s3/files",
      payload: { project, id: storage["id"] },
    } as const;
    const { files } = await call(preview);
    expect((files as Json[]).map(({ key }) => key)).toEqual(["dir/b.jpg", "dir/c.txt"]);
  });

  it.each([
    [{ bucket: "dogs" }, "Cannot find bucket dogs in S3"],
    [{ bucket: "cats", prefix: "nope" }, "s3://cats/nope not found."],
    [
      { bucket: "cats", aws_secret_access_key: "wrong" },
      "Cannot connect to S3 cats with specified AWS credentials",
    ],
    [
      { bucket: "cats", aws_access_key_id: "AKIAUNKNOWN" },
      "Cannot connect to S3 cats with specified AWS credentials",
    ],
  ])(
    "with %j are refused in the contract's words, and nothing is saved",
    async (payload, message) => {
      const before = await api().request({ url: `/api/storages/?project=${String(project)}` });
      for (const url of ["/api/storages/s3/", "/api/storages/s3/validate"]) {
        const body = { project, ...keys, ...payload };
        expect(complaint(await call({ method: "POST", url, payload: body }, 400))).toEqual([
          message,
        ]);
      }
      const after = await api().request({ url: `/api/storages/?project=${String(project)}` });
      expect(after.body).toBe(before.body);
    },
  );

  it("need the key id and its secret together, and a token only with them", async () => {
    const lone = await create({ bucket: "cats", aws_secret_access_key: null }, 400);
    expect(lone["validation_errors"]).toEqual({
      aws_secret_access_key: ["Access Key ID and Secret Access Key must be provided together."],
    });
    const token = { aws_access_key_id: null, aws_secret_access_key: null, aws_session_token: "t" };
    expect((await create({ bucket: "cats", ...token }, 400))["validation_errors"]).toEqual({
      aws_session_token: ["Session Token requires an Access Key ID and Secret Access Key."],
    });
  });

  it("name a bucket name that S3 does not know by its field", async () => {
    const answer = await create({ bucket: "has space" }, 400);
    const [message] = (answer["validation_errors"] as Record<string, string[]>)["bucket"] ?? [];
    expect(message).toMatch(/^Invalid bucket name "has space": Bucket name must match the regex/);
  });

  it("can be saved without a bucket, but not validated", async () => {
    expect(await create({})).toMatchObject({ bucket: null, status: "initialized" });
    const bare = { method: "POST", url: "/api/storages/s3/", payload: { project } } as const;
    expect(await call(bare, 201)).toMatchObject({ bucket: null, s3_endpoint: null });
    for (const payload of [{ project }, { project, ...keys }]) {
      const answer = await call({ method: "POST", url: "/api/storages/s3/validate", payload }, 400);
      expect(complaint(answer)).toEqual(["Error validating storage connection"]);
    }
  });

  it("say so when nothing answers at the endpoint, without a 5xx that the SDK would repeat", async () => {
    const silent = await startS3Fake();
    await silent.close();
    const answer = await create({ bucket: "cats", s3_endpoint: silent.endpoint }, 400);
    expect(String(complaint(answer))).toMatch(/^Cannot connect to S3 cats: /);
  });

  it("work with the region that the bucket is in", async () => {
    s3.putObject("far", "x.jpg", "x");
    expect(await create({ bucket: "far", region_name: "eu-west-1" })).toMatchObject({
      region_name: "eu-west-1",
    });
  });

  it("are asked for their secrets again when the endpoint changes", async () => {
    const storage = await create({ bucket: "cats" });
    const before = s3.counters.list;
    const payload = { s3_endpoint: `${s3.endpoint}/` };
    const answer = await call(
      { method: "PATCH", url: `/api/storages/s3/${String(storage["id"])}`, payload },
      400,
    );
    expect(Object.keys(answer["validation_errors"] as Json)).toEqual([
      "aws_access_key_id",
      "aws_secret_access_key",
    ]);
    expect(s3.counters.list).toBe(before);
  });
});

describe("s3 storages where private addresses are not allowed", () => {
  const stores = useLocalStores();
  const api = useApi("api_s3_egress", stores.change);
  let s3: S3Fake;
  let project = 0;

  beforeAll(async () => {
    s3 = await startS3Fake({ buckets: ["cats"] });
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  afterAll(() => s3.close());

  const requests = [
    "/api/storages/s3/",
    "/api/storages/s3/validate",
    "/api/storages/s3/files",
  ] as const;

  it.each(requests)("answer %s with 403 and reach nothing, also without a bucket", async (url) => {
    const keys = { aws_access_key_id: "AK", aws_secret_access_key: "SK" };
    for (const bucket of ["cats", null]) {
      const payload = { project, bucket, s3_endpoint: s3.endpoint, ...keys };
      const answer = await api().request({ method: "POST", url, payload });
      expect([answer.statusCode, answer.json<Json>()["detail"]]).toEqual([
        403,
        "URL resolves to a reserved network address (block: 127.0.0.0/8) Allow it with BUCKETBRIDGE_EGRESS_ALLOW.",
      ]);
    }
    expect(Object.values(s3.counters).every((count) => count === 0)).toBe(true);
  });

  it.each([
    ["ftp://store.example", 403, /^The provided URL was not allowed\./],
    ["store.example", 403, /^The provided URL was not allowed\./],
    ["http://no-such-host.invalid", 400, /^Validation error$/],
  ])("answer the endpoint %s with %i", async (s3_endpoint, status, detail) => {
    const payload = {
      project,
      bucket: "cats",
      s3_endpoint,
      aws_access_key_id: "AK",
      aws_secret_access_key: "SK",
    };
    const answer = await api().request({ method: "POST", url: "/api/storages/s3/", payload });
    expect(answer.statusCode, answer.body).toBe(status);
    expect(answer.json<Json>()["detail"]).toMatch(detail);
  });
});
