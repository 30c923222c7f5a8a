import { beforeAll, describe, expect, it } from "vitest";
import { addDeliveries } from "./fixtures/deliveries.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { completeRun } from "./fixtures/worker.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("targets of the native API", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_targets_native", (deps) => ({ ...deps, stores }));
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
    buckets += "n";
    const payload = { project, bucket: buckets };
    const url = "/api/storages/export/s3";
    const target = await call({ method: "POST", url, payload }, 201);
    await completeRun(api().database, Number(/\d+$/.exec(String(target["last_sync_job"]))?.[0]));
    return Number(target["id"]);
  }
  const optionsOf = (runId: unknown) =>
    api().database.inMaintenance(
      async (tx) => (await tx.run.findUniqueOrThrow({ where: { id: Number(runId) } })).options,
    );
  const start = (id: number, path: string, payload?: Json, status = 202) => {
    const url = `/api/v1/storages/${String(id)}/${path}`;
    return call({ method: "POST", url, ...(payload === undefined ? {} : { payload }) }, status);
  };

  it("sync everything, or only what changed", async () => {
    const id = await aTarget();
    const changed = (await start(id, "sync", { only_changed: true }))["run"] as Json;
    expect(changed).toMatchObject({ storageId: id, kind: "sync", state: "queued" });
    expect(await optionsOf(changed["id"])).toEqual({ only_changed: true });
    const full = await start(id, "sync");
    expect(full).toMatchObject({ created: true, run: { state: "waiting" } });
    expect(await optionsOf((full["run"] as Json)["id"])).toEqual({});
    expect(await start(id, "sync", {}, 202)).toMatchObject({ created: false });
    await start(id, "sync", { only_new: true }, 400);
  });

  it("retry what failed", async () => {
    const id = await aTarget();
    expect(await start(id, "retry-failed")).toMatchObject({
      created: true,
      run: { kind: "retry", state: "queued", phase: "queued" },
    });
  });

  it("show how they call their objects, their backlog and an outage", async () => {
    const id = await aTarget();
    const url = `/api/v1/targets/${String(id)}`;
    await addDeliveries(api().database, [
      { targetId: id, subjectId: 1 },
      { targetId: id, subjectId: 2, state: "delivered", deliveredRevision: 1 },
      { targetId: id, subjectId: 3, lastErrorCode: "unavailable", lastError: "down" },
    ]);
    expect(await call({ url })).toMatchObject({
      ...{ id, projectId: project, type: "s3", subject: "annotation", key_template: null },
      ...{ json_extension: false, can_delete_objects: false, outage: null },
      deliveries: { pending: 1, failing: 1, delivered: 1, ended: 0 },
    });
    const since = new Date("2026-11-23T22:49:21.813Z");
    await api().database.inMaintenance((tx) =>
      tx.storage.update({
        where: { id },
        data: { breakerSince: since, breakerErrorCode: "unavailable", breakerError: "down" },
      }),
    );
    expect((await call({ url }))["outage"]).toEqual({
      ...{ since: since.toISOString(), nextAttemptAt: null, code: "unavailable", message: "down" },
    });
  });

  it("change their keys, which fills them anew, and refuse keys that overwrite one another", async () => {
    const id = await aTarget();
    const url = `/api/v1/targets/${String(id)}`;
    const payload = { subject: "task", key_template: " ${task_id} ", json_extension: true };
    expect(await call({ method: "PATCH", url, payload })).toMatchObject({
      ...{ subject: "task", key_template: "${task_id}", json_extension: true },
    });
    const runs = (await call({ url: `/api/v1/runs?storage=${String(id)}` }))["items"] as Json[];
    expect(runs[0]).toMatchObject({ kind: "sync", state: "queued" });
    const shown = await call({ url: `/api/storages/export/s3/${String(id)}` });
    expect(shown).toMatchObject({ subject: "task", status: "queued" });
    const bad = { key_template: "${project_id}" };
    expect(await call({ method: "PATCH", url, payload: bad }, 400)).toMatchObject({
      reason: "target.key_template",
    });
    await call({ method: "PATCH", url, payload: { key: "x" } }, 400);
    const before = runs.length;
    await call({ method: "PATCH", url, payload: { can_delete_objects: true } });
    const after = (await call({ url: `/api/v1/runs?storage=${String(id)}` }))["items"] as Json[];
    expect(after).toHaveLength(before);
  });

  describe("deliveries", () => {
    let id = 0;
    const list = (query = "") =>
      call({ url: `/api/v1/targets/${String(id)}/deliveries${query}` }) as Promise<{
        items: Json[];
        nextCursor: string | null;
        counts: Json | null;
      }>;
    const idsOf = ({ items }: { items: Json[] }) => items.map(({ subjectId }) => subjectId);

    beforeAll(async () => {
      id = await aTarget();
      await addDeliveries(api().database, [
        { targetId: id, subjectId: 11, state: "delivered", objectKey: "11", deliveredRevision: 1 },
        { targetId: id, subjectId: 12, lastErrorCode: "permission_denied", lastError: "=no" },
        { targetId: id, subjectId: 13, wantedOp: "delete" },
        { targetId: id, subjectId: 4, subjectType: "task", state: "ended" },
        { targetId: await aTarget(), subjectId: 14 },
      ]);
    });

    it("come in pages in order, with counts over all on the first", async () => {
      const first = await list("?limit=3");
      expect(idsOf(first)).toEqual([11, 12, 13]);
      expect(first.counts).toMatchObject({ pending: 1, failing: 1, delivered: 1, ended: 1 });
      expect(first.nextCursor).toBe("annotation-13");
      const second = await list(`?limit=3&cursor=${String(first.nextCursor)}`);
      expect(second).toMatchObject({
        items: [{ subject: "task", subjectId: 4, state: "ended" }],
        ...{ nextCursor: null, counts: null },
      });
    });

    it.each([
      ["?state=delivered", [11]],
      ["?state=pending", [13]],
      ["?failing=true", [12]],
      ["?code=permission_denied", [12]],
      ["?operation=delete", [13]],
      ["?subjectId=11", [11]],
    ])("are filtered by %s", async (query, ids) => {
      expect(idsOf(await list(query))).toEqual(ids);
    });

    it("refuse a filter that nobody knows", async () => {
      await call({ url: `/api/v1/targets/${String(id)}/deliveries?state=lost` }, 400);
      await call({ url: `/api/v1/targets/${String(id)}/deliveries?cursor=12` }, 400);
    });

    it("are downloaded as CSV, defused, and as JSONL, unchanged", async () => {
      const get = (format: string) =>
        api().request({ url: `/api/v1/targets/${String(id)}/deliveries?format=${format}` });
      const csv = await get("csv");
      expect(csv.headers["content-disposition"]).toBe(
        `attachment; filename="target-${String(id)}-deliveries.csv"`,
      );
      const lines = csv.body.trimEnd().split("\r\n");
      expect(lines[0]).toMatch(/^subject,subjectId,state,operation,/);
      expect(lines).toHaveLength(5);
      expect(lines[2]).toMatch(/,permission_denied,'=no$/);
      const jsonl = (await get("jsonl")).body.trimEnd().split("\n");
      expect(jsonl.map((line) => (JSON.parse(line) as Json)["subjectId"])).toEqual([11, 12, 13, 4]);
      expect(jsonl[1]).toContain('"errorMessage":"=no"');
    });

    it("are those of targets only, and of the own organisation", async () => {
      const payload = { project, bucket: "source" };
      const source = await call({ method: "POST", url: "/api/storages/s3/", payload }, 201);
      await call({ url: `/api/v1/targets/${String(source["id"])}/deliveries` }, 404);
      const foreign = { url: `/api/v1/targets/${String(id)}`, token: api().stranger.token };
      await call(foreign, 404);
      await call({ ...foreign, url: `${foreign.url}/deliveries` }, 404);
    });
  });
});
