import { createRunRepository, createStorageRepository } from "@bucketbridge/db";
import { findCanary, makeCanary } from "@bucketbridge/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { addDeliveries } from "./fixtures/deliveries.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { completeRun, setRun } from "./fixtures/worker.ts";
import { useApi, type TestRequest } from "./harness.ts";

/** Recorded from Label Studio 1.23.2. */
const S3_KEYS =
  "id,type,synchronizable,last_sync,last_sync_count,last_sync_job,status,traceback,meta,title,description,created_at," +
  "can_delete_objects,bucket,prefix,regex_filter,use_blob_urls,aws_sse_kms_key_id,region_name,s3_endpoint,project";
const SECRET = makeCanary("target");

type Json = Record<string, unknown>;

describe("target storages", () => {
  const stores = makeMemoryStores();
  const rings: [string, Json][] = [];
  const bell = {
    ring: (name: string, payload: unknown) => {
      rings.push([name, payload as Json]);
      return Promise.resolve(true);
    },
  };
  const api = useApi("api_targets", (deps) => ({ ...deps, stores, bell }));
  let project = 0;
  let buckets = "";
  // Two storages at one place would carry a warning.
  const newBucket = () => (buckets += "t");

  beforeAll(async () => {
    project = await makeProject();
  });

  async function makeProject(): Promise<number> {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    return (await api().request(request)).json<{ id: number }>().id;
  }
  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.body === "" ? {} : response.json<Json>();
  }
  const create = (payload: Json = {}, status = 201) => {
    const body = { project, bucket: newBucket(), ...payload };
    return call({ method: "POST", url: "/api/storages/export/s3", payload: body }, status);
  };
  const one = (target: Json, rest = "") => `/api/storages/export/s3/${String(target["id"])}${rest}`;
  const patch = (target: Json, payload: Json, status = 200) =>
    call({ method: "PATCH", url: one(target), payload }, status);
  const runOf = (target: Json) => Number(/\d+$/.exec(String(target["last_sync_job"]))?.[0]);
  const runsOf = async (target: Json) =>
    (await call({ url: `/api/v1/runs?storage=${String(target["id"])}` }))["items"] as Json[];

  describe("create", () => {
    it("answers 201 with the keys and the order of the contract, and with its first sync queued", async () => {
      rings.length = 0;
      const target = await create({ bucket: "exp", title: "E" });
      expect(Object.keys(target).join()).toBe(S3_KEYS);
      expect(target).toMatchObject({
        ...{ type: "s3", synchronizable: true, status: "queued", last_sync: null, title: "E" },
        ...{ can_delete_objects: null, bucket: "exp", prefix: null, use_blob_urls: false, project },
      });
      expect(target["meta"]).toEqual({ attempts: 1, time_queued: expect.any(String) as string });
      const { organizationId } = api().owner;
      const ids = { organizationId, targetId: target["id"], runId: runOf(target) };
      expect(rings).toEqual([["export.sync", { v: 1, ...ids, label: "export · s3 E · run 1" }]]);
      expect(await runsOf(target)).toMatchObject([{ kind: "sync", trigger: "created" }]);
    });

    it("starts no sync of a target that is not synchronizable", async () => {
      const target = await create({ synchronizable: false });
      expect(target).toMatchObject({ status: "initialized", meta: {}, last_sync_job: null });
      const answer = await call({ method: "POST", url: one(target, "/sync") }, 400);
      expect(answer).toEqual({ message: `Storage ${String(target["id"])} is not synchronizable` });
    });

    it("takes can_delete_objects as a form writes it", async () => {
      expect(await create({ can_delete_objects: "True" })).toMatchObject({
        can_delete_objects: true,
      });
    });

    it("does not show its secrets", async () => {
      const keys = { aws_access_key_id: "AK", aws_secret_access_key: SECRET.value };
      const target = await create(keys);
      expect(findCanary(JSON.stringify(target), SECRET)).toEqual([]);
      expect(findCanary(api().log(), SECRET)).toEqual([]);
    });

    it("wants a place to write to", async () => {
      const answer = await create({ bucket: "missing" }, 400);
      expect(answer["validation_errors"]).toEqual({
        non_field_errors: ["Cannot find bucket missing in S3"],
      });
    });

    it("knows no preview and no dry run", async () => {
      const files = { method: "POST", url: "/api/storages/export/s3/files", payload: {} } as const;
      expect([404, 405]).toContain((await api().request(files)).statusCode);
      const target = await create();
      const url = `/api/v1/storages/${String(target["id"])}/dry-run`;
      expect(await call({ method: "POST", url }, 422)).toMatchObject({
        reason: "target.no_dry_run",
      });
    });
  });

  describe("lists", () => {
    it("hold the targets and not the sources of a project, and the other way round", async () => {
      const own = await makeProject();
      const target = await create({ project: own });
      const source = await call(
        { method: "POST", url: "/api/storages/s3/", payload: { project: own, bucket: "src" } },
        201,
      );
      const idsOf = async (url: string) =>
        (await api().request({ url: `${url}?project=${String(own)}` }))
          .json<Json[]>()
          .map(({ id }) => id);
      expect(await idsOf("/api/storages/export/s3")).toEqual([target["id"]]);
      expect(await idsOf("/api/storages/export")).toEqual([target["id"]]);
      expect(await idsOf("/api/storages/s3/")).toEqual([source["id"]]);
      expect(await idsOf("/api/storages/")).toEqual([source["id"]]);
      await call({ url: `/api/storages/s3/${String(target["id"])}` }, 404);
      await call({ url: `/api/storages/export/s3/${String(source["id"])}` }, 404);
    });

    it("ask for a project in the contract's words", async () => {
      const answer = await call({ url: "/api/storages/export/s3" }, 400);
      expect(answer["validation_errors"]).toEqual({
        non_field_errors: ['query parameter "project" is required'],
      });
    });
  });

  it("has a form without what only sources have", async () => {
    const rows = await api().request({ url: "/api/storages/export/s3/form" });
    const names = rows
      .json<{ fields: { name: string }[] }[]>()
      .flatMap(({ fields }) => fields.map(({ name }) => name));
    expect(names).toEqual([
      ...["title", "bucket", "prefix", "region_name", "aws_secret_access_key"],
      "can_delete_objects",
    ]);
  });

  it("validates without saving, also over a stored target", async () => {
    const target = await create();
    const payload = { project, id: target["id"], bucket: newBucket() };
    const url = "/api/storages/export/s3/validate";
    expect((await api().request({ method: "POST", url, payload })).body).toBe("");
    expect((await call({ url: one(target) }))["bucket"]).toBe(target["bucket"]);
    const source = await call(
      { method: "POST", url: "/api/storages/s3/", payload: { project, bucket: newBucket() } },
      201,
    );
    const foreign = { project, id: source["id"] };
    expect(
      (await call({ method: "POST", url, payload: foreign }, 400))["validation_errors"],
    ).toEqual({ id: ["Invalid storage ID."] });
  });

  describe("a change", () => {
    it("of the place, the prefix or the keys fills the target anew", async () => {
      for (const change of [
        { bucket: "elsewhere" },
        { prefix: "out" },
        { json_extension: true },
        { subject: "task" },
        { key_template: "${task_id}/${annotation_id}" },
      ]) {
        const target = await create();
        await completeRun(api().database, runOf(target), { seen: 0 });
        rings.length = 0;
        const changed = await patch(target, change);
        expect(changed, JSON.stringify(change)).toMatchObject({ ...change, status: "queued" });
        expect(runOf(changed)).not.toBe(runOf(target));
        expect(rings.map(([name]) => name)).toEqual(["export.sync"]);
      }
    });

    it("of a title or of can_delete_objects starts nothing", async () => {
      const target = await create();
      await completeRun(api().database, runOf(target), { seen: 0 });
      rings.length = 0;
      const changed = await patch(target, { title: "New", can_delete_objects: true });
      expect(changed).toMatchObject({ title: "New", can_delete_objects: true });
      expect(runOf(changed)).toBe(runOf(target));
      expect(rings).toEqual([]);
      expect(await patch(target, { can_delete_objects: false })).toMatchObject({
        can_delete_objects: false,
      });
    });

    it("by PUT keeps what the body leaves out", async () => {
      const target = await create({ can_delete_objects: true, prefix: "out" });
      const payload = { project, bucket: target["bucket"], title: "Put" };
      const replaced = await call({ method: "PUT", url: one(target), payload });
      expect(replaced).toMatchObject({ title: "Put", prefix: "out", can_delete_objects: true });
    });

    it.each([
      [{ key_template: "same" }, /must hold \$\{annotation_id\}/],
      [{ key_template: "${who}" }, /names \$\{who\}/],
      [{ subject: "task", key_template: "${annotation_id}" }, /no annotation id/],
    ])("to %j is refused with a sentence at its field", async (change, sentence) => {
      const target = await create();
      const answer = await patch(target, change, 400);
      const errors = answer["validation_errors"] as Record<string, string[]>;
      expect(errors["key_template"]?.[0]).toMatch(sentence);
    });

    it("to task objects looks at the stored template again", async () => {
      const target = await create({ key_template: "${annotation_id}" });
      expect(Object.keys(target).at(-1)).toBe("key_template");
      const answer = await patch(target, { subject: "task" }, 400);
      expect(answer["validation_errors"]).toHaveProperty("key_template");
    });
  });

  it("is gone after a delete, and its run is canceled", async () => {
    const target = await create();
    await call({ method: "DELETE", url: one(target) }, 204);
    await call({ url: one(target) }, 404);
    const state = await api().database.inMaintenance((tx) =>
      tx.run.findUniqueOrThrow({ where: { id: runOf(target) } }),
    );
    expect(state).toMatchObject({ state: "canceled", errorReason: "storage_deleted" });
  });

  describe("the status", () => {
    it("counts what a sync wrote of what it wanted", async () => {
      const target = await create();
      await setRun(api().database, runOf(target), { state: "running", startedAt: new Date() });
      await api().database.inMaintenance((tx) =>
        tx.run.update({ where: { id: runOf(target) }, data: { marked: 3 } }),
      );
      await addDeliveries(api().database, [
        { targetId: Number(target["id"]), subjectId: 1, runId: runOf(target) },
      ]);
      expect(await call({ url: one(target) })).toMatchObject({
        status: "in_progress",
        last_sync_count: 2,
        meta: { total_annotations: 3 },
      });
      await completeRun(api().database, runOf(target), { seen: 3, created: 3, tasks: 3 });
      const done = await call({ url: one(target) });
      expect(done).toMatchObject({ status: "completed", last_sync_count: 3, traceback: null });
      expect(Object.keys(done["meta"] as Json)).toEqual([
        ...["attempts", "time_queued", "time_in_progress", "time_last_ping", "time_completed"],
        ...["duration", "total_annotations"],
      ]);
    });

    it("names what failed, and where the rest is", async () => {
      const target = await create();
      const targetId = Number(target["id"]);
      const runId = runOf(target);
      await addDeliveries(api().database, [
        { targetId, subjectId: 7, runId, lastErrorCode: "permission_denied", lastError: "no" },
        { targetId, subjectId: 8, lastErrorCode: "unavailable", lastError: "not of this run" },
      ]);
      const counts = { seen: 9, created: 7, tasks: 7, failed: 2 };
      await completeRun(api().database, runId, { state: "completed_with_errors", ...counts });
      expect(await call({ url: one(target) })).toMatchObject({
        status: "completed_with_errors",
        last_sync_count: 7,
        meta: { total_annotations: 9, tasks_failed_validation: 2 },
        traceback: `annotation 7: no\n1 more: GET /api/v1/targets/${String(targetId)}/deliveries?state=failing`,
      });
    });

    it("of a failed sync is failed, whatever lies in the bucket", async () => {
      const target = await create();
      const why = { errorCode: "unavailable", errorMessage: "nobody answers" };
      await completeRun(api().database, runOf(target), { state: "failed", ...why });
      expect(await call({ url: one(target) })).toMatchObject({
        ...{ status: "failed", last_sync_count: null, traceback: "nobody answers" },
      });
    });
  });

  describe("a place that another storage of the project has", () => {
    const codesOf = (answer: Json) =>
      ((answer["warnings"] ?? []) as { code: string }[]).map(({ code }) => code);

    it("is a warning of both, and refused to neither", async () => {
      const own = await makeProject();
      const source = { project: own, bucket: "shared", prefix: "in" };
      await call({ method: "POST", url: "/api/storages/s3/", payload: source }, 201);
      const inside = await create({ project: own, bucket: "shared", prefix: "in/out" });
      expect(codesOf(inside)).toEqual(["target.overlaps_source"]);
      const second = await create({ project: own, bucket: "shared", prefix: "in/out" });
      expect(codesOf(second)).toEqual(["target.overlaps_source", "target.overlap"]);
      const reader = { project: own, bucket: "shared", prefix: "in/out" };
      const another = await call(
        { method: "POST", url: "/api/storages/s3/", payload: reader },
        201,
      );
      expect(codesOf(another)).toEqual(["storage.overlap", "storage.overlaps_target"]);
      expect(codesOf(await create({ project: own, bucket: "shared", prefix: "alone" }))).toEqual(
        [],
      );
    });

    it("in another project is none", async () => {
      const payload = { project: await makeProject(), bucket: "both" };
      await call({ method: "POST", url: "/api/storages/s3/", payload }, 201);
      expect(codesOf(await create({ bucket: "both" }))).toEqual([]);
    });
  });
});

describe("target storages with SYNC_ON_TARGET_STORAGE_CREATION switched off", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_targets_idle", (deps) => ({
    ...deps,
    stores,
    settings: { ...deps.settings, syncOnTargetCreation: false },
  }));

  it("begin initialized and sync when they are told to", async () => {
    const made = await api().request({ method: "POST", url: "/api/projects/", payload: {} });
    const payload = { project: made.json<{ id: number }>().id, bucket: "idle" };
    const url = "/api/storages/export/s3";
    const target = (await api().request({ method: "POST", url, payload })).json<Json>();
    expect(target).toMatchObject({ status: "initialized", meta: {}, last_sync_job: null });
    const sync = { method: "POST", url: `${url}/${String(target["id"])}/sync` } as const;
    expect((await api().request(sync)).json()).toMatchObject({ status: "queued" });
  });
});

describe("target storages with FUTURE_SAVE_TASK_TO_STORAGE", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_targets_tasks", (deps) => ({
    ...deps,
    stores,
    settings: { ...deps.settings, targetDefaults: { subject: "task", jsonExtension: true } },
  }));

  it("hold one object per task, unless they say what their objects are for", async () => {
    const made = await api().request({ method: "POST", url: "/api/projects/", payload: {} });
    const project = made.json<{ id: number }>().id;
    const create = async (bucket: string, fields: object = {}): Promise<Json> => {
      const payload = { project, bucket, ...fields };
      const url = "/api/storages/export/s3";
      return (await api().request({ method: "POST", url, payload })).json<Json>();
    };
    expect(await create("a")).toMatchObject({ subject: "task", json_extension: true });
    const bare = await create("b", { json_extension: false });
    expect(bare).toMatchObject({ subject: "task" });
    expect(bare).not.toHaveProperty("json_extension");
    for (const said of [{ subject: "annotation" }, { key_template: "${annotation_id}" }]) {
      const target = await create("c", said);
      expect(target).not.toHaveProperty("subject");
      expect(target).not.toHaveProperty("json_extension");
    }
    const payload = { project, bucket: "in" };
    const source = await api().request({ method: "POST", url: "/api/storages/s3/", payload });
    expect(source.json()).not.toHaveProperty("subject");
  });

  it("are made with their first sync or not at all", async () => {
    const made = await api().request({ method: "POST", url: "/api/projects/", payload: {} });
    const projectId = made.json<{ id: number }>().id;
    const { organizationId } = api().owner;
    const storages = createStorageRepository(api().database);
    const target = {
      direction: "target",
      ...{ projectId, provider: "s3", settings: {}, secrets: {} },
      ...{ title: null, description: null, prefix: null, regexFilter: null, useBlobUrls: false },
      ...{ presign: true, presignTtl: 1, recursiveScan: false, synchronizable: true },
    } as const;
    const sync = { actorId: 2 ** 31, trigger: "created" };
    await expect(storages.createFilled(organizationId, target, sync)).rejects.toThrow();
    expect(await storages.list(organizationId, { projectId })).toEqual([]);
    const { storage, firstRun } = await storages.createFilled(organizationId, target, {
      ...sync,
      actorId: null,
    });
    const run = await createRunRepository(api().database).find(organizationId, firstRun.runId);
    expect(run).toMatchObject({ storageId: storage.id, kind: "sync", state: "queued" });
  });
});
