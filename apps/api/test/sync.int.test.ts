import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addIssues, completeRun, setRun } from "./fixtures/worker.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("a sync on the compatible wire", () => {
  const stores = makeMemoryStores();
  const rings: unknown[] = [];
  const bell = {
    ring: (name: string, payload: unknown) => {
      rings.push([name, payload]);
      return Promise.resolve(true);
    },
  };
  const api = useApi("api_sync", (deps) => ({ ...deps, stores, bell }));
  let project = 0;
  let buckets = "";
  // Two storages at one place would carry a warning.
  const newBucket = () => (buckets += "b");

  beforeAll(async () => {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Json>();
  }
  async function aStorage(payload: Json = {}): Promise<string> {
    const body = { project, bucket: newBucket(), title: "cats", ...payload };
    const storage = await call({ method: "POST", url: "/api/storages/s3/", payload: body }, 201);
    return `/api/storages/s3/${String(storage["id"])}`;
  }
  const sync = (url: string, status = 200) => call({ method: "POST", url: `${url}/sync` }, status);
  const runOf = (storage: Json) => Number(/\d+$/.exec(String(storage["last_sync_job"]))?.[0]);

  it("queues a run, rings for it and answers with what is true then", async () => {
    const url = await aStorage();
    rings.length = 0;
    const answer = await sync(url);
    expect(answer).toMatchObject({
      status: "queued",
      last_sync: null,
      last_sync_count: null,
      traceback: null,
    });
    expect(answer["meta"]).toEqual({ attempts: 1, time_queued: expect.any(String) as string });
    const runId = runOf(answer);
    const { organizationId } = api().owner;
    const label = "import · s3 cats · run 1";
    expect(rings).toEqual([["import.run", { v: 1, organizationId, runId, label }]]);
  });

  it.each([
    ["nothing", {}],
    ["an empty JSON body", { headers: { "content-type": "application/json" }, payload: "" }],
    ["a JSON body", { payload: { any: 1 } }],
    [
      "a form",
      { headers: { "content-type": "application/x-www-form-urlencoded" }, payload: "a=1" },
    ],
  ])("takes %s as its body", async (_name, options) => {
    const url = await aStorage();
    expect(await call({ method: "POST", url: `${url}/sync/`, ...options })).toMatchObject({
      status: "queued",
    });
  });

  it("answers a second request for a queued sync with the same run", async () => {
    const url = await aStorage();
    const answers = await Promise.all([sync(url), sync(url), sync(url)]);
    expect(new Set(answers.map(runOf)).size).toBe(1);
    const count = await api().database.inMaintenance((tx) =>
      tx.run.count({ where: { storageId: Number(answers[0]["id"]) } }),
    );
    expect(count).toBe(1);
  });

  it("leaves one waiting when a sync is running, and keeps showing the running one", async () => {
    const url = await aStorage();
    const running = runOf(await sync(url));
    await setRun(api().database, running, { state: "running", startedAt: new Date() });
    const answers = [await sync(url), await sync(url)];
    for (const answer of answers)
      expect([answer["status"], runOf(answer)]).toEqual(["in_progress", running]);
    const states = await api().database.inMaintenance((tx) =>
      tx.run.findMany({
        where: { storageId: Number(answers[0]?.["id"]) },
        orderBy: { id: "asc" },
        select: { state: true },
      }),
    );
    expect(states).toEqual([{ state: "running" }, { state: "waiting" }]);
  });

  it("refuses a storage that is not synchronizable, without the envelope", async () => {
    const url = await aStorage({ synchronizable: false });
    const id = url.split("/").at(-1) ?? "";
    expect(await sync(url, 400)).toEqual({ message: `Storage ${id} is not synchronizable` });
  });

  it("makes no call to the store", async () => {
    const url = await aStorage();
    const checks = stores.checks.length;
    await sync(url);
    expect(stores.checks).toHaveLength(checks);
  });

  it("shows the completed run with its counts, and GET changes nothing", async () => {
    const url = await aStorage();
    const runId = runOf(await sync(url));
    await completeRun(api().database, runId, { tasks: 5, tasksExisted: 2 });
    const got = await call({ url });
    expect(got).toMatchObject({ status: "completed", last_sync_count: 5, traceback: null });
    expect(got["meta"]).toMatchObject({ attempts: 1, tasks_existed: 2 });
    expect(await call({ url })).toEqual(got);
    const list = await api().request({ url: `/api/storages/s3/?project=${String(project)}` });
    expect(list.json<Json[]>().find(({ id }) => id === got["id"])).toEqual(got);
  });

  it("has one line per open issue, and none once they are solved", async () => {
    const url = await aStorage();
    const runId = runOf(await sync(url));
    await addIssues(api().database, runId, [
      { key: "a.json", message: "unexpected end", byteOffset: 7 },
      { key: "b.json", message: "solved already", resolvedAt: new Date() },
      { key: "c.json", message: "row is no object", rowIndex: 3 },
    ]);
    await completeRun(api().database, runId, { state: "completed_with_errors", failed: 2 });
    const got = await call({ url });
    expect(got).toMatchObject({
      status: "completed_with_errors",
      traceback: "a.json (byte 7): unexpected end\nc.json (row 3): row is no object",
    });
    expect(got["meta"]).toMatchObject({ tasks_failed_validation: 2 });
  });

  it("shows the text of a failed run and forgets it with the next sync", async () => {
    const url = await aStorage();
    const runId = runOf(await sync(url));
    await completeRun(api().database, runId, {
      ...{ state: "failed", errorCode: "not_found", errorMessage: "Cannot find bucket imgs in S3" },
    });
    expect(await call({ url })).toMatchObject({
      ...{ status: "failed", last_sync: null, last_sync_count: null },
      traceback: "Cannot find bucket imgs in S3",
    });
    expect(await sync(url)).toMatchObject({
      status: "queued",
      traceback: null,
      meta: { attempts: 2 },
    });
  });

  it("never shows a dry run, and shows a sync that waits behind one as queued", async () => {
    const url = await aStorage();
    const id = url.split("/").at(-1) ?? "";
    await completeRun(api().database, runOf(await sync(url)), { tasks: 5 });
    await call({ method: "POST", url: `/api/v1/storages/${id}/dry-run` }, 202);
    expect(await call({ url })).toMatchObject({ status: "completed", last_sync_count: 5 });
    expect(await sync(url)).toMatchObject({ status: "queued", last_sync_count: null });
  });

  it("starts a run anew when the settings change under it", async () => {
    const url = await aStorage();
    const first = runOf(await sync(url));
    rings.length = 0;
    const changed = await call({ method: "PATCH", url, payload: { regex_filter: ".*png" } });
    expect(changed).toMatchObject({ status: "queued", meta: { attempts: 2 } });
    expect(runOf(changed)).not.toBe(first);
    expect(rings).toHaveLength(1);
    const unchanged = await call({ method: "PATCH", url, payload: { title: "dogs" } });
    expect(runOf(unchanged)).toBe(runOf(changed));
    expect(rings).toHaveLength(1);
  });
});

describe("a sync that waits for its end", () => {
  const stores = makeMemoryStores();
  let complete: (runId: number) => Promise<void> = () => Promise.resolve();
  const bell = {
    ring: (_name: string, payload: { runId: number }) => {
      void complete(payload.runId);
      return Promise.resolve(true);
    },
  };
  const api = useApi("api_sync_wait", (deps) => ({
    ...deps,
    stores,
    bell: bell as typeof deps.bell,
    settings: { ...deps.settings, syncWaitMs: 10_000 },
  }));

  it("answers with the result as soon as the run is final", async () => {
    const project = (
      await api().request({ method: "POST", url: "/api/projects/", payload: {} })
    ).json<{ id: number }>();
    const payload = { project: project.id, bucket: "imgs" };
    const storage = (
      await api().request({ method: "POST", url: "/api/storages/s3/", payload })
    ).json<{ id: number }>();
    complete = (runId) => completeRun(api().database, runId, { tasks: 3 });
    const begun = performance.now();
    const answer = await api().request({
      method: "POST",
      url: `/api/storages/s3/${String(storage.id)}/sync`,
    });
    expect(answer.json()).toMatchObject({ status: "completed", last_sync_count: 3 });
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
