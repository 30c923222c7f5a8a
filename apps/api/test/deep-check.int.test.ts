import path from "node:path";
import { systemClock } from "@bucketbridge/core";
import { startRedis, type FoundRedis } from "@bucketbridge/testkit";
import { DEFAULT_ACCOUNT, startAzureFake } from "@bucketbridge/testkit/azure-fake";
import { startDatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import { startGcsFake } from "@bucketbridge/testkit/gcs-fake";
import { startS3Fake, type S3Permission } from "@bucketbridge/testkit/s3-fake";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi } from "./harness.ts";

type Json = Record<string, unknown>;
interface Step {
  readonly name: string;
  readonly ok: boolean;
  readonly message?: string;
}
interface Report {
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly steps: readonly Step[];
}

const ORIGIN = "https://label.example.org";
const key = (id: string, allow: readonly S3Permission[]) => ({
  ...{ accessKeyId: id, secretAccessKey: `${id}-secret`, allow },
});
const s3 = await startS3Fake({
  buckets: [
    { name: "open", corsOrigins: [ORIGIN] },
    { name: "shut" },
    { name: "far", region: "eu-west-1", corsOrigins: ["*"] },
  ],
  accessKeys: [
    key("FULL", ["list", "read", "write", "delete"]),
    key("LIST", ["list"]),
    key("PUT", ["write"]),
  ],
});
const OWNER = "owner@fake.iam.gserviceaccount.com";
const CREATOR = "creator@fake.iam.gserviceaccount.com";
const gcs = await startGcsFake({
  buckets: ["pets"],
  accounts: [{ email: OWNER }, { email: CREATOR, allow: ["create", "list", "get"] }],
});
const azure = await startAzureFake({ containers: ["pets"] });
const databricks = await startDatabricksFake({
  ...{ volumes: ["main/default/pets"], tokens: [{ token: "dapi" }] },
});

describe("a thorough check", () => {
  let skewMs = 0;
  let redis: FoundRedis;
  let project = 0;
  const stores = useLocalStores(["loopback"], {
    gcp: { endpoints: gcs.endpoints },
    azure: { blobEndpoint: azure.blobEndpoint },
  });
  const api = useApi("api_deep_check", (deps) => {
    const changed = stores.change(deps);
    return {
      ...changed,
      settings: { ...changed.settings, hostPrefix: `${ORIGIN}/label` },
      clock: { ...systemClock, now: () => Date.now() + skewMs },
    };
  });

  beforeAll(async () => {
    redis = await startRedis();
    for (const bucket of ["open", "shut", "far"]) s3.putObject(bucket, "in/a.jpg", "picture");
    gcs.putObject("pets", "in/a.jpg", "picture");
    azure.putBlob("pets", "in/a.jpg", "picture");
    databricks.putFile("main/default/pets/in/a.jpg", "picture");
    stores.write("in/a.jpg", "picture");
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  beforeEach(() => {
    skewMs = 0;
  });
  afterAll(async () => {
    await Promise.all([s3, gcs, azure, databricks].map((fake) => fake.close()));
    await redis.stop();
  });

  async function check(way: "" | "export/", type: string, payload: Json): Promise<Report> {
    const response = await api().request({
      ...{ method: "POST", url: `/api/storages/${way}${type}/validate?deep=true` },
      payload: { project, ...payload },
    });
    expect(response.statusCode, response.body).toBe(200);
    expect(response.body).not.toContain("-secret");
    return response.json<Report>();
  }
  const onS3 = (bucket: string, id = "FULL") => ({
    ...{ bucket, s3_endpoint: s3.endpoint, region_name: "us-east-1" },
    ...{ aws_access_key_id: id, aws_secret_access_key: `${id}-secret` },
  });
  const failed = ({ steps }: Report) => steps.filter(({ ok }) => !ok).map(({ name }) => name);
  const tried = ({ steps }: Report) => steps.map(({ name }) => name).join(" ");
  const messageOf = ({ steps }: Report, name: string) =>
    steps.find((step) => step.name === name)?.message;

  it("of a good source finds nothing wrong", async () => {
    const report = await check("", "s3", { ...onS3("open"), recursive_scan: true });
    expect(report.warnings).toEqual([]);
    expect(report.steps.every(({ ok }) => ok)).toBe(true);
    expect(tried(report)).toBe("settings connection list get presign clock cors region");
  });

  it("of a good target writes twice, reads back and leaves nothing", async () => {
    const before = s3.operations.length;
    const body = { ...onS3("open"), prefix: "out/${project_id}", can_delete_objects: true };
    const report = await check("export/", "s3", body);
    expect(report.warnings).toEqual([]);
    expect(tried(report)).toBe("settings connection put overwrite list get delete region");
    expect(failed(report)).toEqual([]);
    const done = s3.operations.slice(before);
    expect(done.map(({ kind }) => kind)).toEqual(["put", "put", "delete"]);
    expect(done[0]?.key).toMatch(
      new RegExp(`^out/${String(project)}/\\.bucketbridge-probe-[0-9a-f-]{36}$`),
    );
    expect(s3.listKeys("open")).toEqual(["in/a.jpg"]);
  });

  it("is content with a target that may put alone, and tells what it left", async () => {
    const report = await check("export/", "s3", { ...onS3("shut", "PUT"), prefix: "left" });
    expect(failed(report)).toEqual([]);
    expect(report.warnings.map(({ code }) => code)).toEqual([
      "target.list_denied",
      "target.probe_left",
    ]);
    const left = s3.listKeys("shut").find((one) => one.startsWith("left/")) ?? "";
    expect(report.warnings[1]?.message).toContain(left);
    // Nobody takes it for data.
    const preview = await api().request({
      ...{ method: "POST", url: "/api/storages/s3/files" },
      payload: { project, ...onS3("shut"), recursive_scan: true },
    });
    expect(preview.json<{ files: { key: string }[] }>().files.map((file) => file.key)).toEqual([
      "in/a.jpg",
    ]);
    const wantsDelete = { ...onS3("shut", "PUT"), can_delete_objects: true };
    expect(failed(await check("export/", "s3", wantsDelete))).toEqual(["delete"]);
  });

  it.each([
    ["connection", "", { ...onS3("open"), bucket: "nope" }, /^Cannot find bucket nope in S3$/],
    ["connection", "", onS3("open", "PUT"), /^Cannot connect to S3 open with specified AWS/],
    ["get", "", { ...onS3("open", "LIST"), presign: false }, /s3:GetObject/],
    ["presign", "", { ...onS3("open", "LIST") }, /answers 403 to a URL/],
    ["cors", "", onS3("shut"), /does not let pages of https:\/\/label\.example\.org read/],
    ["put", "export/", onS3("open", "LIST"), /s3:PutObject/],
  ] as const)("names the step %s", async (step, way, payload, message) => {
    const report = await check(way, "s3", { ...payload, recursive_scan: true });
    expect(failed(report)).toContain(step);
    expect(messageOf(report, step)).toMatch(message);
  });

  it("names the region where the store does not tell the right one", async () => {
    const fault = { status: 400, code: "AuthorizationHeaderMalformed" };
    s3.inject({ kind: "error", on: "list", ...fault });
    const report = await check("", "s3", onS3("open"));
    expect(failed(report)).toEqual(["region"]);
    expect(messageOf(report, "region")).toMatch(/in another region.*; set the region/);
  });

  it("names the clock, by its own look and by the store's refusal", async () => {
    skewMs = 10 * 60_000;
    const report = await check("", "s3", { ...onS3("open"), recursive_scan: true });
    expect(failed(report)).toEqual(["clock"]);
    expect(messageOf(report, "clock")).toMatch(/(599|60\d) seconds ahead of the store's/);
    s3.inject({ kind: "error", on: "list", status: 403, code: "RequestTimeTooSkewed" });
    expect(failed(await check("", "s3", onS3("open")))).toEqual(["clock"]);
  });

  it("names a second write that the store refuses", async () => {
    const google_application_credentials = gcs.keyJson(CREATOR);
    const body = { bucket: "pets", prefix: "kept", google_application_credentials };
    const report = await check("export/", "gcs", body);
    expect(failed(report)).toEqual(["overwrite"]);
    expect(messageOf(report, "overwrite")).toMatch(/may create objects, but not replace/);
  });

  it("takes only a refusal to look for a warning", async () => {
    const google_application_credentials = gcs.keyJson(OWNER);
    const body = { bucket: "pets", google_application_credentials };
    gcs.inject({ kind: "error", on: "list", status: 403, reason: "forbidden" });
    expect(failed(await check("export/", "gcs", body))).toEqual([]);
    gcs.inject({ kind: "error", on: "list", status: 403, reason: "accountDisabled" });
    expect(failed(await check("export/", "gcs", body))).toEqual(["connection"]);
  });

  it("tells a detour to the bucket's region", async () => {
    const report = await check("", "s3", { ...onS3("far"), recursive_scan: true });
    expect(failed(report)).toEqual([]);
    expect(report.warnings).toMatchObject([{ code: "storage.region_differs" }]);
    expect(messageOf(report, "region")).toMatch(/^the bucket is in eu-west-1/);
  });

  it("is no way to private addresses", async () => {
    const payload = { project, ...onS3("open"), s3_endpoint: "http://169.254.169.254" };
    const url = "/api/storages/s3/validate?deep=true";
    expect((await api().request({ method: "POST", url, payload })).statusCode).toBe(403);
  });

  const WEB = "list get presign clock cors";
  it.each([
    ["gcs", WEB, () => ({ bucket: "pets", google_application_credentials: gcs.keyJson(OWNER) })],
    [
      ...["azure", WEB],
      () => ({
        ...{ container: "pets", account_name: DEFAULT_ACCOUNT.name },
        account_key: DEFAULT_ACCOUNT.key,
      }),
    ],
    [
      ...["databricks", "list get"],
      () => ({
        ...{ host: databricks.endpoint, catalog: "main", schema: "default", volume: "pets" },
        token: "dapi",
      }),
    ],
    ["localfiles", "list get", () => ({ path: path.join(stores.root, "in") })],
    ["redis", "list", () => ({ host: "127.0.0.1", port: new URL(redis.url).port, db: 1 })],
  ] as const)("works for %s in both directions", async (type, steps, place) => {
    const source = await check("", type, { ...place(), recursive_scan: true });
    expect(tried(source)).toBe(`settings connection ${steps}`);
    // The fakes know no rules for browsers.
    expect(failed(source).filter((name) => name !== "cors")).toEqual([]);
    const body = { ...place(), can_delete_objects: true, ...(type === "redis" ? { db: 2 } : {}) };
    const target = await check("export/", type, body);
    expect(tried(target)).toBe("settings connection put overwrite list get delete");
    expect(failed(target)).toEqual([]);
  });
});
