import { ISSUE_COLUMNS } from "@bucketbridge/contracts";
import { waitFor } from "@bucketbridge/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addIssues, completeRun, setRun } from "./fixtures/worker.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;
interface Page {
  readonly items: readonly Json[];
  readonly nextCursor: number | null;
}

describe("runs", () => {
  const api = useApi("api_runs", (deps) => ({ ...deps, stores: makeMemoryStores() }));
  let project = 0;

  beforeAll(async () => {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });

  async function call<T = Json>(options: TestRequest, status = 200): Promise<T> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<T>();
  }
  const get = <T = Json>(url: string, status = 200) => call<T>({ url }, status);
  const post = (url: string, status: number) => call({ method: "POST", url }, status);

  async function aStorage(payload: Json = {}): Promise<number> {
    const body = { project, bucket: "imgs", ...payload };
    return Number(
      (await call({ method: "POST", url: "/api/storages/s3/", payload: body }, 201))["id"],
    );
  }
  async function start(storage: number, kind = "sync"): Promise<Json> {
    const { run } = await post(`/api/v1/storages/${String(storage)}/${kind}`, 202);
    return run as Json;
  }
  const idOf = (run: Json) => Number(run["id"]);

  it("start with 202, a place to look at, and once per kind", async () => {
    const storage = await aStorage();
    const response = await api().request({
      method: "POST",
      url: `/api/v1/storages/${String(storage)}/sync`,
    });
    expect(response.statusCode).toBe(202);
    const { run, created } = response.json<{ run: Json; created: boolean }>();
    expect(created).toBe(true);
    expect(response.headers.location).toBe(`/api/v1/runs/${String(run["id"])}`);
    expect(run).toMatchObject({
      ...{
        storageId: storage,
        projectId: project,
        number: 1,
        kind: "sync",
        trigger: "api",
        state: "queued",
      },
      ...{ phase: "queued", cancelRequested: false, error: null, startedAt: null, tasksExisted: 0 },
      counts: { listed: 0, created: 0, known: 0, skipped: 0, failed: 0, pending: 0, tasks: 0 },
    });
    expect(await post(`/api/v1/storages/${String(storage)}/sync`, 202)).toEqual({
      run,
      created: false,
    });
    expect(await get(`/api/v1/runs/${String(run["id"])}`)).toEqual(run);
  });

  it("of other kinds wait behind the active one", async () => {
    const storage = await aStorage();
    await start(storage);
    expect(await start(storage, "dry-run")).toMatchObject({
      kind: "dry_run",
      state: "waiting",
      phase: "waiting",
    });
    expect(await start(storage, "retry-failed")).toMatchObject({
      kind: "retry",
      state: "waiting",
      number: 3,
    });
  });

  it("do not start on a storage that is not synchronizable", async () => {
    const storage = await aStorage({ synchronizable: false });
    for (const kind of ["sync", "dry-run", "retry-failed"]) {
      expect(await post(`/api/v1/storages/${String(storage)}/${kind}`, 422)).toMatchObject({
        ...{ code: "invalid_config", reason: "storage.not_synchronizable", status: 422 },
      });
    }
  });

  it("are listed newest first, filtered, page by page", async () => {
    const [storage, other] = [await aStorage(), await aStorage()];
    const runs: number[] = [];
    for (let number = 0; number < 5; number++) {
      const run = idOf(await start(storage));
      await completeRun(api().database, run, { state: number === 0 ? "failed" : "completed" });
      runs.push(run);
    }
    await start(other);
    const url = `/api/v1/runs?storage=${String(storage)}`;
    const listed = async (query: string) => (await get<Page>(`${url}${query}`)).items.map(idOf);
    expect(await listed("")).toEqual(runs.toReversed());
    expect(await listed("&state=failed")).toEqual([runs[0]]);
    expect(await listed("&kind=dry_run")).toEqual([]);
    const first = await get<Page>(`${url}&limit=3`);
    const second = await get<Page>(`${url}&limit=3&cursor=${String(first.nextCursor)}`);
    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([3, 2, null]);
    expect([...first.items, ...second.items].map(idOf)).toEqual(runs.toReversed());
    const all = await get<Page>(`/api/v1/runs?project=${String(project)}&limit=500`);
    expect(all.items.length).toBeGreaterThan(6);
  });

  it("refuse a query that makes no sense with a problem that names the field", async () => {
    const answer = await get("/api/v1/runs?state=sleeping&limit=0", 400);
    expect(answer).toMatchObject({ status: 400, code: "invalid_input", title: "Bad Request" });
    expect(JSON.stringify(answer["errors"])).toMatch(/state.*limit|limit.*state/);
  });

  it("show why they failed", async () => {
    const run = idOf(await start(await aStorage()));
    await completeRun(api().database, run, {
      ...{
        state: "failed",
        errorCode: "permission_denied",
        errorMessage: "s3://imgs: access denied",
      },
    });
    expect(await get(`/api/v1/runs/${String(run)}`)).toMatchObject({
      ...{ state: "failed", phase: "final" },
      error: { code: "permission_denied", reason: null, message: "s3://imgs: access denied" },
    });
  });

  it("that nobody holds are canceled at once, and stay so", async () => {
    const run = idOf(await start(await aStorage()));
    const canceled = await post(`/api/v1/runs/${String(run)}/cancel`, 200);
    expect(canceled).toMatchObject({ state: "canceled", phase: "final", cancelRequested: true });
    expect(await post(`/api/v1/runs/${String(run)}/cancel`, 200)).toEqual(canceled);
  });

  it("that a worker holds are asked to stop", async () => {
    const run = idOf(await start(await aStorage()));
    await setRun(api().database, run, { state: "running", startedAt: new Date() });
    await api().database.inMaintenance(
      (tx) => tx.$executeRaw`
      UPDATE scan_unit SET lease_owner = 'w', lease_until = now() + interval '1 minute', lease_epoch = 1 WHERE run_id = ${run}`,
    );
    expect(await post(`/api/v1/runs/${String(run)}/cancel`, 200)).toMatchObject({
      ...{ state: "running", phase: "listing", cancelRequested: true },
    });
  });

  it("that wait are canceled without disturbing the active one", async () => {
    const storage = await aStorage();
    const active = idOf(await start(storage));
    await setRun(api().database, active, { state: "running", startedAt: new Date() });
    const waiting = idOf(await start(storage));
    expect(await post(`/api/v1/runs/${String(waiting)}/cancel`, 200)).toMatchObject({
      state: "canceled",
    });
    expect(await get(`/api/v1/runs/${String(active)}`)).toMatchObject({ state: "running" });
    expect(await get(`/api/storages/s3/${String(storage)}`)).toMatchObject({
      status: "in_progress",
    });
  });

  describe("dry-run reports", () => {
    it("count every reason and name its first keys", async () => {
      const run = idOf(await start(await aStorage(), "dry-run"));
      await api().database.inMaintenance(async (tx) => {
        const { organizationId } = api().owner;
        const rows = [
          ["new", "", 3],
          ["new", "a.jpg", 1],
          ["new", "b.jpg", 1],
          ["filtered", "", 0],
        ] as const;
        for (const [reason, key, count] of rows) {
          await tx.dryRunFinding.create({
            data: { organizationId, runId: run, reason, key, count },
          });
        }
      });
      const report = await get(`/api/v1/runs/${String(run)}/dry-run`);
      expect(report).toMatchObject({ run: { id: run, kind: "dry_run" } });
      expect(report["findings"]).toEqual([
        { reason: "filtered", count: 0, keys: [] },
        { reason: "new", count: 3, keys: ["a.jpg", "b.jpg"] },
      ]);
    });

    it("are not there for other runs", async () => {
      const run = idOf(await start(await aStorage()));
      expect(await get(`/api/v1/runs/${String(run)}/dry-run`, 422)).toMatchObject({
        reason: "run.no_dry_run",
      });
    });
  });

  describe("issues", () => {
    let url = "";

    beforeAll(async () => {
      const run = idOf(await start(await aStorage()));
      url = `/api/v1/runs/${String(run)}/issues`;
      await addIssues(api().database, run, [
        { key: "a.json", message: 'bad, "really"', byteOffset: 7 },
        { key: "=cmd()", message: "formula", rowIndex: 2, code: "row_too_large" },
        { key: "c.json", message: "solved", resolvedAt: new Date("2026-01-02T03:04:05Z") },
      ]);
    });

    it("come page by page, oldest first, with filters", async () => {
      const all = await get<Page>(url);
      expect(all.items.map(({ key }) => key)).toEqual(["a.json", "=cmd()", "c.json"]);
      expect(all.items[0]).toMatchObject({
        code: "corrupt_data",
        rowIndex: null,
        byteOffset: 7,
        open: true,
        resolvedAt: null,
      });
      expect(all.items[1]).toMatchObject({ rowIndex: 2, byteOffset: null });
      const keys = async (query: string) =>
        (await get<Page>(`${url}?${query}`)).items.map(({ key }) => key);
      expect(await keys("open=true")).toEqual(["a.json", "=cmd()"]);
      expect(await keys("open=false")).toEqual(["c.json"]);
      expect(await keys("code=row_too_large")).toEqual(["=cmd()"]);
      const first = await get<Page>(`${url}?limit=2`);
      expect(await keys(`limit=2&cursor=${String(first.nextCursor)}`)).toEqual(["c.json"]);
    });

    it("download as CSV that no spreadsheet runs", async () => {
      const answer = await api().request({ url: `${url}?format=csv` });
      expect(answer.headers["content-type"]).toBe("text/csv; charset=utf-8");
      expect(answer.headers["content-disposition"]).toMatch(
        /^attachment; filename="run-\d+-issues.csv"$/,
      );
      const lines = answer.body.split("\r\n");
      expect(lines[0]).toBe(ISSUE_COLUMNS.join(","));
      expect(lines).toHaveLength(5);
      expect(lines[1]).toContain('"bad, ""really"""');
      expect(lines[2]).toContain(",'=cmd(),");
    });

    it("download as JSON Lines with the texts unchanged", async () => {
      const answer = await api().request({ url: `${url}?format=jsonl&open=true` });
      const items = answer.body
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Json);
      expect(items).toEqual((await get<Page>(`${url}?open=true`)).items);
    });
  });

  describe("events", () => {
    function parseEvents(body: string): { id: string; event: string; data: Json }[] {
      return body
        .split("\n\n")
        .filter((message) => message !== "" && !message.startsWith(":"))
        .map((message) => {
          const field = (name: string) =>
            new RegExp(`^${name}: (.*)$`, "m").exec(message)?.[1] ?? "";
          return {
            id: field("id"),
            event: field("event"),
            data: JSON.parse(field("data")) as Json,
          };
        });
    }

    it("end with the final state", async () => {
      const run = idOf(await start(await aStorage()));
      const streaming = api().request({ url: `/api/v1/runs/${String(run)}/events` });
      await setRun(api().database, run, { state: "running", startedAt: new Date() });
      await completeRun(api().database, run, { tasks: 4, seen: 4, created: 4 });
      const answer = await streaming;
      expect(answer.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
      const events = parseEvents(answer.body);
      expect(events.at(-1)).toEqual({
        id: `run-${String(run)}-final`,
        event: "final",
        data: {
          ...{
            runId: run,
            state: "completed",
            phase: "final",
            ratePerSecond: null,
            etaSeconds: null,
            error: null,
          },
          counts: { listed: 4, created: 4, known: 0, skipped: 0, failed: 0, pending: 0, tasks: 4 },
        },
      });
      for (const { event } of events.slice(0, -1)) expect(event).toBe("progress");
    });

    it("of a final run are its final state, and nothing for a browser that has seen it", async () => {
      const run = idOf(await start(await aStorage()));
      await completeRun(api().database, run);
      const url = `/api/v1/runs/${String(run)}/events`;
      const headers = { "last-event-id": "7" };
      const again = await api().request({ url, headers });
      expect(parseEvents(again.body).map(({ event }) => event)).toEqual(["final"]);
      const over = await api().request({
        url,
        headers: { "last-event-id": `run-${String(run)}-final` },
      });
      expect([over.statusCode, over.body]).toEqual([204, ""]);
    });
  });

  describe("event streams of browsers", () => {
    const MAX_STREAMS_PER_USER = 20;

    async function openStream(address: string, run: number, leaving: AbortController) {
      const headers = { authorization: `Token ${api().owner.token}` };
      const url = `${address}/api/v1/runs/${String(run)}/events`;
      return fetch(url, { headers, signal: leaving.signal });
    }

    it("are bounded per person, and a place is free again when a browser leaves", async () => {
      const address = await api().app.listen({ port: 0, host: "127.0.0.1" });
      const run = idOf(await start(await aStorage()));
      const leaving = new AbortController();
      const streams: Response[] = [];
      for (let count = 0; count < MAX_STREAMS_PER_USER; count++) {
        streams.push(await openStream(address, run, leaving));
      }
      expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
      const refused = await openStream(address, run, leaving);
      expect(refused.status).toBe(429);
      expect(await refused.json()).toMatchObject({
        code: "rate_limited",
        reason: "events.too_many_streams",
      });
      leaving.abort();
      const free = new AbortController();
      const again = await waitFor(
        async () => {
          const response = await openStream(address, run, free);
          return response.status === 200 ? response : undefined;
        },
        { timeoutMs: 5_000, what: "a free place" },
      );
      const chunk = await again.body?.getReader().read();
      expect(new TextDecoder().decode(chunk?.value as Uint8Array)).toContain("event: progress");
      free.abort();
    });
  });

  describe("isolation", () => {
    it("answers a stranger 404, an empty list, and changes nothing", async () => {
      const storage = await aStorage();
      const run = idOf(await start(storage));
      const { token } = api().stranger;
      const routes: readonly TestRequest[] = [
        ...["", "/dry-run", "/issues", "/issues?format=csv", "/events"].map((path) => ({
          url: `/api/v1/runs/${String(run)}${path}`,
        })),
        { method: "POST", url: `/api/v1/runs/${String(run)}/cancel` },
        ...["sync", "retry-failed", "dry-run"].map((kind) => ({
          ...{ method: "POST" as const, url: `/api/v1/storages/${String(storage)}/${kind}` },
        })),
      ];
      for (const route of routes) {
        const problem = await call({ ...route, token }, 404);
        expect(problem).toMatchObject({ status: 404, code: "not_found" });
      }
      expect(await call({ url: `/api/v1/runs?storage=${String(storage)}`, token })).toEqual({
        items: [],
        nextCursor: null,
      });
      for (const route of routes) await call({ ...route, token: null }, 401);
      await call({ url: "/api/v1/runs", token: null }, 401);
      expect(await get(`/api/v1/runs/${String(run)}`)).toMatchObject({
        state: "queued",
        cancelRequested: false,
      });
    });
  });
});

describe("an event stream that is open", () => {
  const api = useApi("api_runs_close", (deps) => ({ ...deps, stores: makeMemoryStores() }));

  it("does not hold up the shutdown", async () => {
    const post = async (url: string, payload: Json) =>
      (await api().request({ method: "POST", url, payload })).json<Json>();
    const { id: project } = await post("/api/projects/", {});
    const { id: storage } = await post("/api/storages/s3/", { project, bucket: "imgs" });
    const { run } = await post(`/api/v1/storages/${String(storage)}/sync`, {});
    const address = await api().app.listen({ port: 0, host: "127.0.0.1" });
    const headers = { authorization: `Token ${api().owner.token}` };
    const url = `${address}/api/v1/runs/${String((run as Json)["id"])}/events`;
    const stream = (await fetch(url, { headers })).body?.getReader();
    expect((await stream?.read())?.done).toBe(false);
    const begun = performance.now();
    await api().app.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
    let rest = await stream?.read();
    while (rest?.done === false) rest = await stream?.read();
    expect(rest?.done).toBe(true);
  });
});
