import { findCanary, makeCanary } from "@bucketbridge/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

const S3_KEYS =
  "id,type,synchronizable,presign,last_sync,last_sync_count,last_sync_job,status,traceback,meta,title,description," +
  "created_at,bucket,prefix,regex_filter,use_blob_urls,aws_sse_kms_key_id,region_name,s3_endpoint,presign_ttl," +
  "recursive_scan,project";
const SECRET = makeCanary("storage");

type Json = Record<string, unknown>;

describe("source storages", () => {
  const stores = makeMemoryStores(["a.jpg", "b.txt", "dir/", "dir/c.jpg"]);
  const api = useApi("api_storages", (deps) => ({ ...deps, stores }));
  let project = 0;

  beforeAll(async () => {
    project = await makeProject();
  });

  async function makeProject(token?: string): Promise<number> {
    const owner = token === undefined ? {} : { token };
    const request = {
      method: "POST",
      url: "/api/projects/",
      payload: { title: "Project" },
    } as const;
    return (await api().request({ ...request, ...owner })).json<{ id: number }>().id;
  }

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Json>();
  }

  const create = (payload: Json, status = 201) =>
    call({ method: "POST", url: "/api/storages/s3/", payload: { project, ...payload } }, status);
  const one = (id: unknown, rest = "") => `/api/storages/s3/${String(id)}${rest}`;
  const errorsOf = (answer: Json) => answer["validation_errors"];

  describe("lists of types", () => {
    it.each(["/api/storages/types", "/api/storages/export/types"])(
      "%s has the ten types, community first",
      async (url) => {
        const types = await api().request({ url });
        expect(
          types.body.startsWith(
            '[{"name":"s3","title":"AWS S3"},{"name":"gcs","title":"Google Cloud Storage"},{"name":"azure","title":"Microsoft Azure"},{"name":"redis","title":"Redis"},{"name":"localfiles","title":"Local files"},',
          ),
        ).toBe(true);
        const names = types.json<{ name: string }[]>().map(({ name }) => name);
        expect(names.slice(5)).toEqual(["s3s", "gcswif", "azure_spi", "databricks"]);
      },
    );
  });

  describe("create", () => {
    it("answers 201 with the keys and the order of the contract", async () => {
      const storage = await create({ bucket: "imgs", title: "imgs" });
      expect(Object.keys(storage).join()).toBe(S3_KEYS);
      const { id, created_at, ...rest } = storage;
      expect(id).toEqual(expect.any(Number));
      expect(created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/);
      expect(rest).toEqual({
        ...{
          type: "s3",
          synchronizable: true,
          presign: true,
          last_sync: null,
          last_sync_count: null,
        },
        ...{ last_sync_job: null, status: "initialized", traceback: null, meta: {}, title: "imgs" },
        ...{
          description: null,
          bucket: "imgs",
          prefix: null,
          regex_filter: null,
          use_blob_urls: false,
        },
        ...{ aws_sse_kms_key_id: null, region_name: null, s3_endpoint: null, presign_ttl: 1 },
        ...{ recursive_scan: false, project },
      });
    });

    it("takes a form, where everything is text", async () => {
      const form = new URLSearchParams({
        project: String(project),
        bucket: "form",
        use_blob_urls: "True",
        presign_ttl: "5",
      });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const options = {
        method: "POST",
        url: "/api/storages/s3",
        headers,
        payload: form.toString(),
      } as const;
      expect(await call(options, 201)).toMatchObject({
        ...{ bucket: "form", use_blob_urls: true, presign: true, presign_ttl: 5, project },
      });
    });

    it.each([
      [{}, ["This field is required."]],
      [{ project: null }, ["This field may not be null."]],
      [{ project: 999_999 }, ['Invalid pk "999999" - object does not exist.']],
      [{ project: "abc" }, ["Incorrect type. Expected pk value, received str."]],
      [{ project: [1] }, ["Incorrect type. Expected pk value, received list."]],
    ])("refuses the project of %j in the contract's words", async (payload, errors) => {
      const answer = await call(
        { method: "POST", url: "/api/storages/s3/", payload: { bucket: "imgs", ...payload } },
        400,
      );
      expect(answer).toMatchObject({
        detail: "Validation error",
        validation_errors: { project: errors },
      });
    });

    it("refuses a list as body", async () => {
      const answer = await call({ method: "POST", url: "/api/storages/s3/", payload: [] }, 400);
      expect(errorsOf(answer)).toEqual({
        non_field_errors: ["Invalid data. Expected a dictionary, but got list."],
      });
    });

    it("answers the provider's refusal as the caller's mistake and saves nothing", async () => {
      const before = await api().request({ url: `/api/storages/s3/?project=${String(project)}` });
      const answer = await create({ bucket: "missing" }, 400);
      expect(answer).toMatchObject({
        status_code: 400,
        detail: "Validation error",
        exc_info: null,
      });
      expect(errorsOf(answer)).toEqual({ non_field_errors: ["Cannot find bucket missing in S3"] });
      const after = await api().request({ url: `/api/storages/s3/?project=${String(project)}` });
      expect(after.body).toBe(before.body);
    });

    it("refuses a regex that cannot be run, with the field's name", async () => {
      const answer = await create({ bucket: "imgs", regex_filter: "(" }, 400);
      expect(errorsOf(answer)).toEqual({ regex_filter: [expect.any(String)] });
    });

    it("answers 404 with the envelope for a type that is unknown or not available yet", async () => {
      for (const type of ["nope", "gcs"]) {
        const answer = await call(
          { method: "POST", url: `/api/storages/${type}/`, payload: { project } },
          404,
        );
        expect(answer).toMatchObject({ status_code: 404, detail: "Not found." });
      }
    });

    it("names the feature flag that gcs_sa waits for", async () => {
      const answer = await call(
        { method: "POST", url: "/api/storages/gcs_sa/", payload: { project } },
        404,
      );
      expect(answer["detail"]).toContain("fflag_feat_bros_763_gcs_sa_impersonation=true");
    });

    it("warns of a second storage at the same place, once and on the storage itself", async () => {
      const first = await create({ bucket: "twice", prefix: "a" });
      expect(first).not.toHaveProperty("warnings");
      const second = await create({ bucket: "twice", prefix: "a/b" });
      expect(second["warnings"]).toEqual([
        {
          code: "storage.overlap",
          message: expect.stringContaining(`storage ${String(first["id"])}`) as string,
        },
      ]);
      expect(await create({ bucket: "twice", prefix: "ab" })).not.toHaveProperty("warnings");
    });
  });

  describe("lists", () => {
    it("needs a project, in the contract's words", async () => {
      expect(errorsOf(await call({ url: "/api/storages/s3/" }, 400))).toEqual({
        non_field_errors: ['query parameter "project" is required'],
      });
      expect(await call({ url: "/api/storages/s3/?project=999999" }, 404)).toMatchObject({
        detail: "No Project matches the given query.",
      });
      expect(await call({ url: "/api/storages/s3/?project=abc" }, 404)).toMatchObject({
        detail: "Not found.",
      });
    });

    it("gives an array, the oldest first", async () => {
      const own = await makeProject();
      const first = await create({ project: own, bucket: "one" });
      const second = await create({ project: own, bucket: "two" });
      const list = await api().request({
        url: `/api/storages/s3?project=${String(own)}&ordering=-id`,
      });
      expect(list.json()).toEqual([first, second]);
      const all = await api().request({ url: `/api/storages/?project=${String(own)}` });
      expect(all.json()).toEqual([first, second]);
    });

    it.each([
      "/api/storages/",
      "/api/storages?project=abc",
      "/api/storages/?project=999999",
      "/api/storages/export?project=1",
    ])("%s is an empty array", async (url) => {
      const list = await api().request({ url });
      expect([list.statusCode, list.body]).toEqual([200, "[]"]);
    });
  });

  describe("validate", () => {
    const validate = (payload: Json) =>
      api().request({ method: "POST", url: "/api/storages/s3/validate", payload });

    it("answers 200 without a body and saves nothing", async () => {
      const response = await validate({ project, bucket: "fresh" });
      expect([response.statusCode, response.body]).toEqual([200, ""]);
      const list = await api().request({ url: `/api/storages/s3/?project=${String(project)}` });
      expect(list.body).not.toContain("fresh");
    });

    it("borrows the stored secrets of the storage with that id, and leaves it as it is", async () => {
      const secrets = { aws_access_key_id: "AK", aws_secret_access_key: SECRET.value };
      const stored = await create({ bucket: "stored", title: "before", ...secrets });
      const response = await validate({
        id: stored["id"],
        project,
        title: "after",
        region_name: "eu",
      });
      expect([response.statusCode, response.body]).toEqual([200, ""]);
      expect(stores.checks.at(-1)).toEqual({ bucket: "stored", region_name: "eu", ...secrets });
      expect(await call({ url: one(stored["id"]) })).toEqual(stored);
    });

    it("does not send stored secrets to another host", async () => {
      const stored = await create({
        bucket: "stored",
        aws_access_key_id: "AK",
        aws_secret_access_key: SECRET.value,
      });
      const checks = stores.checks.length;
      const response = await validate({
        id: stored["id"],
        project,
        s3_endpoint: "https://evil.example",
      });
      expect(response.statusCode).toBe(400);
      expect(Object.keys(errorsOf(response.json()) as Json)).toEqual([
        "aws_access_key_id",
        "aws_secret_access_key",
      ]);
      expect(stores.checks).toHaveLength(checks);
    });

    it.each([999_999, "abc"])("refuses the id %j", async (id) => {
      const response = await validate({ id, project, bucket: "imgs" });
      expect(response.statusCode).toBe(400);
      expect(errorsOf(response.json())).toEqual({ id: ["Invalid storage ID."] });
    });

    it("takes an id of null as none", async () => {
      expect((await validate({ id: null, project, bucket: "imgs" })).statusCode).toBe(200);
    });

    it("needs the project also with an id", async () => {
      const stored = await create({ bucket: "needs" });
      const response = await validate({ id: stored["id"] });
      expect(errorsOf(response.json())).toEqual({ project: ["This field is required."] });
    });

    it("tells warnings, and steps when asked", async () => {
      const response = await validate({ project, bucket: "twice", prefix: "a" });
      expect(response.json<{ warnings: unknown[] }>().warnings).not.toHaveLength(0);
      const deep = await api().request({
        ...{ method: "POST", url: "/api/storages/s3/validate?deep=true" },
        payload: { project, bucket: "fresh", presign: false },
      });
      expect(deep.json()).toEqual({
        warnings: [],
        steps: [
          { name: "settings", ok: true },
          { name: "connection", ok: true },
          { name: "list", ok: true },
          { name: "get", ok: true },
        ],
      });
    });
  });

  describe("files", () => {
    const files = (payload: Json) =>
      api().request({
        method: "POST",
        url: "/api/storages/s3/files",
        payload: { project, bucket: "imgs", ...payload },
      });
    const keysOf = (answer: Awaited<ReturnType<typeof files>>) =>
      answer.json<{ files: { key: string | null }[] }>().files.map(({ key }) => key);

    it("lists what a sync would take", async () => {
      const answer = await files({ recursive_scan: true });
      expect(keysOf(answer)).toEqual(["a.jpg", "b.txt", "dir/c.jpg"]);
      const [first] = answer.json<{ files: Json[] }>().files;
      expect(Object.keys(first ?? {})).toEqual(["key", "last_modified", "size"]);
      expect(first?.["last_modified"]).toMatch(/Z$/);
      expect(keysOf(await files({}))).toEqual(["a.jpg", "b.txt"]);
      expect(keysOf(await files({ prefix: "dir" }))).toEqual(["dir/c.jpg"]);
      expect(keysOf(await files({ recursive_scan: "1", regex_filter: ".*jpg" }))).toEqual([
        "a.jpg",
        "dir/c.jpg",
      ]);
    });

    it("says with an empty entry that the limit was reached", async () => {
      expect(keysOf(await files({ limit: 1 }))).toEqual(["a.jpg", null]);
      expect(keysOf(await files({ limit: "2" }))).toEqual(["a.jpg", "b.txt", null]);
      expect(keysOf(await files({ limit: 0 }))).toEqual(["a.jpg", null]);
    });

    it("refuses a limit that is no number", async () => {
      const answer = await files({ limit: "many" });
      expect([answer.statusCode, errorsOf(answer.json())]).toEqual([
        400,
        { limit: ["A valid integer is required."] },
      ]);
    });
  });

  describe("update", () => {
    it("merges a PATCH over what is stored, checks the result and answers with the type", async () => {
      const stored = await create({ bucket: "imgs", prefix: "a", title: "t" });
      const patched = await call({
        method: "PATCH",
        url: one(stored["id"]),
        payload: { regex_filter: ".*jpg" },
      });
      expect(patched).toMatchObject({
        id: stored["id"],
        type: "s3",
        bucket: "imgs",
        prefix: "a",
        title: "t",
        regex_filter: ".*jpg",
      });
      const refused = await call(
        { method: "PATCH", url: one(stored["id"]), payload: { bucket: "missing" } },
        400,
      );
      expect(errorsOf(refused)).toEqual({ non_field_errors: ["Cannot find bucket missing in S3"] });
      expect(await call({ url: one(stored["id"]) })).toEqual(patched);
    });

    it("does not ask the store about a change that has nothing to do with it", async () => {
      const stored = await create({ bucket: "imgs" });
      const checks = stores.checks.length;
      await call({
        method: "PATCH",
        url: one(stored["id"]),
        payload: { title: "new", presign_ttl: 9 },
      });
      expect(stores.checks).toHaveLength(checks);
    });

    it("keeps secrets that the body does not name", async () => {
      const secrets = { aws_access_key_id: "AK", aws_secret_access_key: SECRET.value };
      const stored = await create({ bucket: "imgs", ...secrets });
      await call({ method: "PATCH", url: one(stored["id"]), payload: { bucket: "dogs" } });
      expect(stores.checks.at(-1)).toEqual({ bucket: "dogs", ...secrets });
    });

    it("replaces with PUT: what is left out stays, two flags return to true", async () => {
      const stored = await create({
        bucket: "imgs",
        title: "t",
        presign: false,
        synchronizable: false,
      });
      await call({ method: "PUT", url: one(stored["id"]), payload: { bucket: "imgs" } }, 400);
      const put = await call({
        method: "PUT",
        url: one(stored["id"]),
        payload: { project, prefix: "p" },
      });
      expect(put).toMatchObject({
        bucket: "imgs",
        title: "t",
        prefix: "p",
        presign: true,
        synchronizable: true,
      });
    });

    it("loses nothing when several people change different settings at once", async () => {
      const stored = await create({ bucket: "imgs", aws_access_key_id: "AK" });
      const changes = [
        { title: "at once" },
        { region_name: "eu" },
        { prefix: "p" },
        { presign_ttl: 9 },
        { description: "d" },
      ];
      const url = one(stored["id"]);
      await Promise.all(changes.map((payload) => call({ method: "PATCH", url, payload })));
      const merged = Object.assign({}, ...changes) as Json;
      expect(await call({ url })).toMatchObject({ ...merged, bucket: "imgs" });
      await call({ method: "PATCH", url, payload: { bucket: "dogs" } });
      expect(stores.checks.at(-1)).toMatchObject({ aws_access_key_id: "AK", region_name: "eu" });
    });

    it("never moves a storage to another project", async () => {
      const stored = await create({ bucket: "imgs" });
      const other = await makeProject();
      const answer = await call(
        { method: "PATCH", url: one(stored["id"]), payload: { project: other } },
        400,
      );
      expect(errorsOf(answer)).toEqual({ project: [expect.stringContaining("cannot move")] });
      await call({ method: "PATCH", url: one(stored["id"]), payload: { project } });
    });

    it("accepts and ignores what the server manages", async () => {
      const stored = await create({ bucket: "imgs" });
      const payload = {
        status: "completed",
        meta: null,
        last_sync_count: 7,
        traceback: "x",
        id: 1,
        type: "gcs",
      };
      expect(await call({ method: "PATCH", url: one(stored["id"]), payload })).toEqual(stored);
    });
  });

  describe("delete", () => {
    it("answers 204, ends the run and is gone", async () => {
      const stored = await create({ bucket: "imgs" });
      await call({ method: "POST", url: one(stored["id"], "/sync") });
      const response = await api().request({ method: "DELETE", url: one(stored["id"]) });
      expect([response.statusCode, response.body]).toEqual([204, ""]);
      await call({ url: one(stored["id"]) }, 404);
      await call({ method: "POST", url: one(stored["id"], "/sync") }, 404);
      const states = await api().database.inMaintenance((tx) =>
        tx.run.findMany({ where: { storageId: Number(stored["id"]) }, select: { state: true } }),
      );
      expect(states).toEqual([{ state: "canceled" }]);
    });
  });

  describe("form", () => {
    it("gives rows of fields", async () => {
      const rows = (await api().request({ url: "/api/storages/s3/form" })).json<
        { columnCount: number }[]
      >();
      expect(rows.map(({ columnCount }) => columnCount)).toEqual([3, 2, 1, 1, 3]);
    });
  });

  describe("secrets", () => {
    it("are in no answer and no log line", async () => {
      const stored = await create({
        bucket: "imgs",
        aws_access_key_id: SECRET.value,
        aws_secret_access_key: SECRET.value,
      });
      const urls = [
        one(stored["id"]),
        `/api/storages/?project=${String(project)}`,
        `/api/storages/s3/?project=${String(project)}`,
      ];
      const answers = [JSON.stringify(stored)];
      for (const url of urls) answers.push((await api().request({ url })).body);
      answers.push((await api().request({ method: "POST", url: one(stored["id"], "/sync") })).body);
      const patch = {
        method: "PATCH",
        url: one(stored["id"]),
        payload: { bucket: "missing", aws_secret_access_key: SECRET.value },
      } as const;
      answers.push((await api().request(patch)).body);
      for (const answer of answers) expect(findCanary(answer, SECRET)).toEqual([]);
      expect(findCanary(api().log(), SECRET)).toEqual([]);
    });

    it("are encrypted in the database", async () => {
      const rows = await api().database.inMaintenance((tx) => tx.storage.findMany());
      for (const row of rows) {
        expect(findCanary(JSON.stringify(row.settings), SECRET)).toEqual([]);
        expect(findCanary(row.secrets ?? new Uint8Array(), SECRET)).toEqual([]);
      }
    });

    it("that cannot be read leave the storage listed, warned about and editable", async () => {
      const secrets = { aws_access_key_id: "AK", aws_secret_access_key: "lost" };
      const stored = await create({ bucket: "lost", ...secrets });
      await api().database.inMaintenance((tx) =>
        tx.storage.update({
          where: { id: Number(stored["id"]) },
          data: { secrets: new Uint8Array([1, 2, 3]) },
        }),
      );
      expect((await call({ url: one(stored["id"]) }))["warnings"]).toMatchObject([
        { code: "secret.unreadable" },
      ]);
      expect(
        await call({ method: "PATCH", url: one(stored["id"]), payload: { title: "x" } }),
      ).toMatchObject({ title: "x" });
      const answer = await call(
        { method: "PATCH", url: one(stored["id"]), payload: { bucket: "found" } },
        400,
      );
      expect(errorsOf(answer)).toEqual({
        non_field_errors: [expect.stringContaining("enter them again")],
      });
      const mended = await call({
        method: "PATCH",
        url: one(stored["id"]),
        payload: { ...secrets, bucket: "found" },
      });
      expect(mended).not.toHaveProperty("warnings");
    });
  });

  describe("isolation", () => {
    it("answers a stranger 404 for every route of a storage, and changes nothing", async () => {
      const stored = await create({ bucket: "mine" });
      const { token } = api().stranger;
      const theirs = await makeProject(token);
      const routes: readonly TestRequest[] = [
        { url: one(stored["id"]) },
        { method: "PATCH", url: one(stored["id"]), payload: { title: "stolen" } },
        { method: "PUT", url: one(stored["id"]), payload: { project: theirs } },
        { method: "DELETE", url: one(stored["id"]) },
        { method: "POST", url: one(stored["id"], "/sync") },
        { url: `/api/storages/s3/?project=${String(project)}` },
        { url: `/api/storages/export/s3?project=${String(project)}` },
      ];
      for (const route of routes) await call({ ...route, token }, 404);
      const empty = await api().request({
        url: `/api/storages/?project=${String(project)}`,
        token,
      });
      expect(empty.body).toBe("[]");
      const foreign = { project: theirs, bucket: "imgs", id: stored["id"] };
      for (const path of ["validate", "files"]) {
        const url = `/api/storages/s3/${path}`;
        const answer = await call({ method: "POST", url, payload: foreign, token }, 400);
        expect(errorsOf(answer)).toEqual({ id: ["Invalid storage ID."] });
      }
      const create403 = {
        method: "POST",
        url: "/api/storages/s3/",
        payload: { project, bucket: "x" },
        token,
      } as const;
      expect(errorsOf(await call(create403, 400))).toEqual({
        project: [`Invalid pk "${String(project)}" - object does not exist.`],
      });
      expect(await call({ url: one(stored["id"]) })).toEqual(stored);
    });

    it("answers nobody with 401", async () => {
      const routes: readonly TestRequest[] = [
        { url: "/api/storages/types" },
        { url: "/api/storages/export/types" },
        { url: "/api/storages/" },
        { url: "/api/storages/export" },
        { url: "/api/storages/s3/?project=1" },
        { url: "/api/storages/export/s3?project=1" },
        { url: "/api/storages/s3/form" },
        { method: "POST", url: "/api/storages/s3/" },
        { method: "POST", url: "/api/storages/s3/validate" },
        { method: "POST", url: "/api/storages/s3/files" },
        { url: one(1) },
        { method: "PATCH", url: one(1) },
        { method: "PUT", url: one(1) },
        { method: "DELETE", url: one(1) },
        { method: "POST", url: one(1, "/sync") },
      ];
      for (const route of routes) await call({ ...route, token: null }, 401);
    });
  });
});
