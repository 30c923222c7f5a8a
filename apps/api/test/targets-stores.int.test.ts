import fs from "node:fs";
import path from "node:path";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

const LOCAL_KEYS =
  "id,type,synchronizable,path,regex_filter,use_blob_urls,last_sync,last_sync_count,last_sync_job,status,traceback,meta," +
  "title,description,created_at,can_delete_objects,project";

type Json = Record<string, unknown>;

describe("targets on real stores", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_targets_stores", stores.change);
  let s3: S3Fake;
  let project = 0;

  beforeAll(async () => {
    s3 = await startS3Fake({
      buckets: ["out"],
      accessKeys: [
        { accessKeyId: "AKFULL", secretAccessKey: "full-secret" },
        { accessKeyId: "AKPUT", secretAccessKey: "put-secret", allow: ["write"] },
      ],
    });
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  afterAll(() => s3.close());

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Json>();
  }
  const keys = (id: string, secret: string) => ({
    ...{ project, s3_endpoint: s3.endpoint, bucket: "out" },
    ...{ aws_access_key_id: id, aws_secret_access_key: secret },
  });
  const post = (url: string, payload: Json, status: number) =>
    call({ method: "POST", url, payload }, status);
  const complaint = (answer: Json) => (answer["validation_errors"] as Json)["non_field_errors"];

  it("need no prefix that exists", async () => {
    const body = { ...keys("AKFULL", "full-secret"), prefix: "new/folder" };
    const target = await post("/api/storages/export/s3", body, 201);
    expect(target).toMatchObject({ prefix: "new/folder", status: "queued" });
    expect(target).not.toHaveProperty("warnings");
  });

  it("with credentials that may only put are a warning, where a source is refused", async () => {
    const body = { ...keys("AKPUT", "put-secret"), prefix: "put-only" };
    const target = await post("/api/storages/export/s3", body, 201);
    const denied = [{ code: "target.list_denied", message: expect.any(String) as string }];
    expect(target["warnings"]).toEqual(denied);
    const url = "/api/storages/export/s3/validate";
    expect(await post(url, { ...body, id: target["id"] }, 200)).toMatchObject({ warnings: denied });
    const source = await post("/api/storages/s3/", body, 400);
    expect(complaint(source)).toEqual(["Cannot connect to S3 out with specified AWS credentials"]);
  });

  it.each([
    [{ bucket: "nope" }, "Cannot find bucket nope in S3"],
    [{ bucket: null }, "Error validating storage connection"],
    [{ aws_access_key_id: "AKUNKNOWN" }, "Cannot connect to S3 out with specified AWS credentials"],
    [{ aws_secret_access_key: "wrong" }, "Cannot connect to S3 out with specified AWS credentials"],
  ])("with %j are refused in the contract's words", async (change, sentence) => {
    const body = { ...keys("AKFULL", "full-secret"), ...change };
    for (const url of ["/api/storages/export/s3", "/api/storages/export/s3/validate"]) {
      expect(complaint(await post(url, body, 400))).toEqual([sentence]);
    }
  });

  it("send no stored secret to a new host", async () => {
    const target = await post("/api/storages/export/s3", keys("AKFULL", "full-secret"), 201);
    const url = `/api/storages/export/s3/${String(target["id"])}`;
    const payload = { s3_endpoint: "http://127.0.0.1:9" };
    const answer = await call({ method: "PATCH", url, payload }, 400);
    expect(answer["validation_errors"]).toHaveProperty("aws_secret_access_key");
  });

  it("are folders below the document root", async () => {
    const folder = path.join(stores.root, "exports");
    fs.mkdirSync(folder);
    const target = await post("/api/storages/export/localfiles", { project, path: folder }, 201);
    expect(Object.keys(target).join()).toBe(LOCAL_KEYS);
    expect(target).toMatchObject({ path: folder, can_delete_objects: null, status: "queued" });
    for (const bad of [path.join(stores.root, "absent"), stores.root, "/etc"]) {
      await post("/api/storages/export/localfiles", { project, path: bad }, 400);
    }
  });
});
