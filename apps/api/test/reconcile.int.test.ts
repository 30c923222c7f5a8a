import { createReconcileStore, type ReconcileEntry } from "@bucketbridge/db";
import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { completeRun } from "./fixtures/worker.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("comparing a target with its bucket", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_reconcile", (deps) => ({ ...deps, stores }));
  let project = 0;
  let buckets = "";

  beforeAll(async () => {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Json>();
  }
  async function aTarget(): Promise<number> {
    buckets += "r";
    const payload = { project, bucket: buckets };
    const target = await call({ method: "POST", url: "/api/storages/export/s3", payload }, 201);
    await completeRun(api().database, Number(/\d+$/.exec(String(target["last_sync_job"]))?.[0]));
    return Number(target["id"]);
  }
  const start = async (id: number, path: string, payload?: Json): Promise<Json> =>
    call(
      {
        ...{ method: "POST", url: `/api/v1/targets/${String(id)}/${path}` },
        ...(payload === undefined ? {} : { payload }),
      },
      202,
    );
  const runOf = (answer: Json) => answer["run"] as Json;
  const optionsOf = (runId: unknown) =>
    api().database.inMaintenance(
      async (tx) => (await tx.run.findUniqueOrThrow({ where: { id: Number(runId) } })).options,
    );

  it("starts a run that repairs only when it is asked to, and shows nowhere as a sync", async () => {
    const id = await aTarget();
    const first = await start(id, "reconcile");
    expect(first).toMatchObject({
      created: true,
      run: { storageId: id, kind: "reconcile", state: "queued", phase: "queued" },
    });
    expect(await optionsOf(runOf(first)["id"])).toEqual({});
    expect(await start(id, "reconcile", {})).toMatchObject({ created: false });
    const repair = await start(id, "repair");
    expect(repair).toMatchObject({ created: true, run: { kind: "reconcile", state: "waiting" } });
    expect(await optionsOf(runOf(repair)["id"])).toEqual({ repair: true });
    const same = await start(id, "reconcile", { repair: true });
    expect(runOf(same)["id"]).toBe(runOf(repair)["id"]);
    const shown = await call({ url: `/api/storages/export/s3/${String(id)}` });
    expect(shown["status"]).toBe("completed");
  });

  it("makes a waiting comparison repair when somebody asks for that", async () => {
    const id = await aTarget();
    await start(id, "reconcile", { repair: true });
    const queued = await start(id, "reconcile");
    expect(queued).toMatchObject({ created: false });
    await api().database.inMaintenance((tx) =>
      tx.run.updateMany({ where: { storageId: id, state: "queued" }, data: { state: "running" } }),
    );
    const waiting = await start(id, "reconcile");
    expect(waiting).toMatchObject({ created: true, run: { state: "waiting" } });
    expect(await start(id, "repair")).toMatchObject({ created: false });
    expect(await optionsOf(runOf(waiting)["id"])).toEqual({ repair: true });
    await start(id, "reconcile");
    expect(await optionsOf(runOf(waiting)["id"])).toEqual({ repair: true });
  });

  it("refuses what it does not know, sources and strangers", async () => {
    const id = await aTarget();
    const url = `/api/v1/targets/${String(id)}`;
    const post = { method: "POST", url: `${url}/reconcile` } as const;
    await call({ ...post, payload: { delete: true } }, 400);
    const { token } = api().stranger;
    await call({ ...post, token }, 404);
    await call({ method: "POST", url: `${url}/repair`, token }, 404);
    await call({ url: `${url}/findings`, token }, 404);
    const payload = { project, bucket: "source" };
    const source = await call({ method: "POST", url: "/api/storages/s3/", payload }, 201);
    await call({ method: "POST", url: `/api/v1/targets/${String(source["id"])}/reconcile` }, 404);
  });

  describe("findings", () => {
    let id = 0;
    let runId = 0;
    const list = (query = "", status = 200) =>
      call({ url: `/api/v1/targets/${String(id)}/findings${query}` }, status);
    const keysOf = (page: Json) => (page["items"] as Json[]).map(({ key }) => key);

    beforeAll(async () => {
      id = await aTarget();
      expect(await list()).toEqual({
        ...{ items: [], nextCursor: null, runId: null },
        counts: { changed: 0, foreign: 0, missing: 0, stale: 0 },
      });
      runId = Number(runOf(await start(id, "reconcile"))["id"]);
      const organizationId = api().owner.organizationId;
      await api().database.inMaintenance((tx) =>
        tx.run.update({ where: { id: runId }, data: { startedAt: new Date() } }),
      );
      const subject = { type: "annotation", id: 7 } as const;
      const entries: ReconcileEntry[] = [
        { kind: "missing", key: "7", subject },
        { kind: "foreign", key: "=b-1", subject: null },
        { kind: "foreign", key: "a", subject: null },
        { kind: "changed", key: "8", subject: { ...subject, id: 8 } },
      ];
      const store = createReconcileStore(api().database);
      await store.add({ organizationId, targetId: id, runId }, entries);
    });

    it("come in pages by kind and key, with exact counts", async () => {
      const first = await list("?limit=2");
      expect(first).toMatchObject({
        items: [
          { kind: "changed", key: "8", subject: "annotation", subjectId: 8 },
          { kind: "foreign", key: "=b-1", subject: null, subjectId: null },
        ],
        ...{ runId, counts: { changed: 1, foreign: 2, missing: 1, stale: 0 } },
      });
      const cursor = encodeURIComponent(String(first["nextCursor"]));
      const second = await list(`?limit=2&cursor=${cursor}`);
      expect(keysOf(second)).toEqual(["a", "7"]);
      expect(second["nextCursor"]).toBeNull();
      expect(keysOf(await list("?kind=foreign"))).toEqual(["=b-1", "a"]);
      expect(keysOf(await list(`?run=${String(runId)}&kind=stale`))).toEqual([]);
    });

    it("refuse an unknown kind, and a run that is not a comparison of this target", async () => {
      await list("?kind=lost", 400);
      await list("?cursor=foreign", 400);
      await list("?run=999999", 404);
      const other = await start(await aTarget(), "reconcile");
      await list(`?run=${String(runOf(other)["id"])}`, 404);
    });

    it("are downloaded as CSV, defused, and as JSONL, unchanged", async () => {
      const get = (format: string) =>
        api().request({ url: `/api/v1/targets/${String(id)}/findings?format=${format}` });
      const csv = await get("csv");
      expect(csv.headers["content-disposition"]).toBe(
        `attachment; filename="target-${String(id)}-findings.csv"`,
      );
      expect(csv.body.trimEnd().split("\r\n")).toEqual([
        "kind,key,subject,subjectId",
        "changed,8,annotation,8",
        "foreign,'=b-1,,",
        "foreign,a,,",
        "missing,7,annotation,7",
      ]);
      const lines = (await get("jsonl")).body.trimEnd().split("\n");
      expect(JSON.parse(lines[1] ?? "")).toEqual({
        ...{ kind: "foreign", key: "=b-1", subject: null, subjectId: null },
      });
    });
  });
});
