import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openTestBoard } from "./fixtures/board.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi, type TestRequest } from "./harness.ts";

const LIMITS = {
  token: { perSecond: 50, burst: 200 },
  media: { perSecond: 500, burst: 2_000 },
  address: { perSecond: 10, burst: 40 },
};

const AT_ONCE = 10;

describe("whoever asks too often", () => {
  const time = { nowMs: Date.now() };
  const clock = { now: () => time.nowMs, sleep: () => Promise.resolve() };
  const stores = makeMemoryStores(["a.jpg"]);
  const api = useApi("api_rate_limits", async (deps, url) => ({
    ...deps,
    stores,
    clock,
    settings: { ...deps.settings, rateLimits: LIMITS },
    health: { ...deps.health, board: await openTestBoard(url) },
  }));
  let project = 0;
  let image = "";

  beforeAll(async () => {
    const post = async (url: string, payload: object) =>
      (await api().request({ method: "POST", url, payload })).json<{ id: number }>().id;
    project = await post("/api/projects/", {});
    await post("/api/storages/s3/", { project, bucket: "imgs", presign: false });
    const task = await post("/api/tasks/", { project, data: { image: "s3://imgs/a.jpg" } });
    const fileuri = Buffer.from("s3://imgs/a.jpg").toString("base64url");
    image = `/tasks/${String(task)}/resolve/?fileuri=${fileuri}`;
  });
  beforeEach(() => {
    time.nowMs += 3_600_000;
  });

  async function count(times: number, options: TestRequest): Promise<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (let sent = 0; sent < times; sent += AT_ONCE) {
      const wave = Array.from({ length: Math.min(AT_ONCE, times - sent) }, () =>
        api().request(options),
      );
      for (const { statusCode } of await Promise.all(wave))
        counts[statusCode] = (counts[statusCode] ?? 0) + 1;
    }
    return counts;
  }
  const WHOAMI = { url: "/api/current-user/whoami" };

  it("with one token gets 200 answers at once, then 50 in a second", async () => {
    expect(await count(250, WHOAMI)).toEqual({ 200: 200, 429: 50 });
    time.nowMs += 1_000;
    expect(await count(60, WHOAMI)).toEqual({ 200: 50, 429: 10 });
  });

  it("is told when to come again, in the envelope of the interface", async () => {
    await count(200, WHOAMI);
    const wire = await api().request(WHOAMI);
    expect(wire.headers["retry-after"]).toBe("1");
    expect(wire.json()).toEqual({
      id: expect.any(String) as unknown,
      status_code: 429,
      version: "1.23.2",
      detail: "Request was throttled. Expected available in 1 second.",
      exc_info: null,
    });
    const native = await api().request({ url: "/api/v1/runs" });
    expect(native.statusCode).toBe(429);
    expect(native.headers["retry-after"]).toBe("1");
    expect(native.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(native.json()).toMatchObject({ status: 429, code: "rate_limited" });
  });

  it("takes nothing from the others", async () => {
    await count(201, WHOAMI);
    const other = await addPerson(api(), "manager");
    expect(await count(1, { ...WHOAMI, token: other.token })).toEqual({ 200: 1 });
    const made = { name: "of the owner", scope: "read" };
    time.nowMs += 1_000;
    const answer = await api().request({ method: "POST", url: "/api/v1/tokens", payload: made });
    const { token } = answer.json<{ token: string }>();
    await count(50, WHOAMI);
    expect(await count(1, WHOAMI)).toEqual({ 429: 1 });
    expect(await count(1, { ...WHOAMI, token })).toEqual({ 200: 1 });
  });

  it("does not with a page of 100 tasks and its 500 objects", async () => {
    const page = { url: `/api/tasks/?project=${String(project)}&page_size=100` };
    expect(await count(1, page)).toEqual({ 200: 1 });
    expect(await count(500, { url: image })).toEqual({ 200: 500 });
    expect(await count(1, page)).toEqual({ 200: 1 });
  });

  it("without credentials, or with wrong ones, gets 40 answers at once, then ten in a second", async () => {
    const version = { url: "/api/version", token: null };
    expect(await count(50, version)).toEqual({ 200: 40, 429: 10 });
    time.nowMs += 1_000;
    expect(await count(12, { ...WHOAMI, token: "nonsense" })).toEqual({ 401: 10, 429: 2 });
    expect(await count(1, { url: "/no/such/path", token: null })).toEqual({ 429: 1 });
    expect(await count(1, WHOAMI)).toEqual({ 200: 1 });
  });

  it("from another network is counted apart, and a whole /64 as one", async () => {
    const from = (remoteAddress: string) => ({ url: "/api/version", token: null, remoteAddress });
    await count(40, from("2001:db8::1"));
    expect(await count(1, from("2001:db8::2"))).toEqual({ 429: 1 });
    expect(await count(1, from("2001:db8:0:1::2"))).toEqual({ 200: 1 });
  });

  it("may be a probe, which is never refused", async () => {
    for (const url of ["/livez", "/readyz", "/health", "/version"])
      expect(await count(60, { url, token: null })).toEqual({ 200: 60 });
  });

  it("may send signed events as often as a token may ask", async () => {
    const url = "/api/v1/annotation-events";
    const counts = await count(201, { method: "POST", url, payload: {}, token: null });
    expect(counts[429]).toBe(1);
  });

  it("is refused by the board too", async () => {
    const authorization = `Basic ${Buffer.from(`me:${api().owner.token}`).toString("base64")}`;
    const board = { url: "/admin/queues", token: null, headers: { authorization } };
    await count(200, WHOAMI);
    expect(await count(1, board)).toEqual({ 429: 1 });
  });
});
