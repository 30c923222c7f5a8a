import { Secret, silentLogger, type Clock } from "@bucketbridge/core";
import { createProducer, createQueueBackend, openBoard } from "@bucketbridge/queue";
import { findCanary, makeCanary, testRedisUrl } from "@bucketbridge/testkit";
import { describe, expect, it } from "vitest";
import { openTestBoard } from "./fixtures/board.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi } from "./harness.ts";

const BOARD = "/admin/queues";
const CANARY = makeCanary("board");
const DATABASE_URL: { current: string } = { current: "" };

describe("the job board", () => {
  const time = { nowMs: 1_000_000 };
  const clock: Clock = { now: () => time.nowMs, sleep: () => Promise.resolve() };
  const api = useApi("api_board", async (deps, url) => {
    DATABASE_URL.current = url;
    return { ...deps, clock, health: { ...deps.health, board: await openTestBoard(url) } };
  });

  const basic = (token: string, name = "anybody") => ({
    authorization: `Basic ${Buffer.from(`${name}:${token}`).toString("base64")}`,
  });
  const get = (url: string, headers: Record<string, string> = {}) =>
    api().app.inject({ url: `${BOARD}${url}`, headers });
  const asOwner = (url: string) => get(url, basic(api().owner.token));

  it("is closed to whoever has not signed in, and sends browsers to the sign-in", async () => {
    for (const url of ["", "/api/queues", "/static/js/main.js", "/queue/import"]) {
      const response = await get(url);
      expect(`${url} ${String(response.statusCode)}`).toBe(`${url} 401`);
      expect(response.headers["www-authenticate"]).toBe("Token");
    }
    const page = await get("/queue/import?status=failed", { accept: "text/html,*/*" });
    expect(page.statusCode).toBe(302);
    expect(page.headers["location"]).toBe(
      "/sign-in?next=%2Fadmin%2Fqueues%2Fqueue%2Fimport%3Fstatus%3Dfailed",
    );
  });

  it("opens with the session of an owner, and not with that of a manager", async () => {
    const signIn = async ({ email, token }: { email: string; token: string }) => {
      const payload = { email, password: token };
      const answer = await api().request({
        ...{ method: "POST", url: "/api/v1/session", payload, token: null },
      });
      expect(answer.statusCode).toBe(201);
      return { cookie: String(answer.headers["set-cookie"]).split(";", 1)[0] ?? "" };
    };
    const cookie = await signIn(api().owner);
    const response = await get("", cookie);
    expect(response.statusCode).toBe(200);
    expect(response.body).toContain("Bucketbridge jobs");
    expect((await get("/api/queues", cookie)).statusCode).toBe(200);
    const manager = await signIn(await addPerson(api(), "manager"));
    expect((await get("", { ...manager, accept: "text/html" })).statusCode).toBe(403);
  });

  it("opens for scripts with HTTP Basic: any name and the owner's token", async () => {
    const response = await asOwner("");
    expect(response.statusCode).toBe(200);
    expect(response.body).toContain("Bucketbridge jobs");
  });

  it("lets the page load nothing from another host", async () => {
    const policy = String((await asOwner("")).headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(policy).not.toMatch(/script-src[^;]*unsafe-inline/);
  });

  it("takes no token of the other schemes", async () => {
    const { token } = api().owner;
    for (const authorization of [
      `Token ${token}`,
      `Bearer ${token}`,
      "Basic %%%",
      `Basic ${token}`,
    ]) {
      expect((await get("/api/queues", { authorization })).statusCode).toBe(401);
    }
    time.nowMs += 120_000;
  });

  it("refuses every write", async () => {
    for (const [method, url] of [
      ["PUT", "/api/queues/import/pause"],
      ["PUT", "/api/queues/import/obliterate"],
      ["PUT", "/api/queues/import/clean/failed"],
      ["POST", "/api/queues/import/add"],
      ["PUT", "/api/queues/pause"],
    ] as const) {
      const response = await api().app.inject({
        method,
        url: `${BOARD}${url}`,
        headers: basic(api().owner.token),
        payload: {},
      });
      expect(`${url} ${String(response.statusCode)}`).toMatch(/ 405$/);
    }
  });

  it("shows jobs by their label and no secret that slipped into one", async () => {
    const backend = createQueueBackend({
      redisUrl: testRedisUrl(),
      databaseUrl: DATABASE_URL.current,
      log: silentLogger,
    });
    const producer = createProducer(backend, silentLogger);
    const raw = openBoard(backend);
    const runId = 4_000_000 + (process.pid % 100_000);
    const label = `import · s3 board-test-${String(runId)} · run 1`;
    const data = { v: 1 as const, organizationId: 1, runId, label };
    try {
      expect(await producer.ring("import.run", data)).toBe(true);
      const queue = raw.queues.find(({ name }) => name === "import")?.queue;
      await queue?.add("import.run", { ...data, runId: runId + 1, password: CANARY.value });
      const response = await asOwner(
        "/api/queues?activeQueue=import&status=prioritized&page=1&jobsPerPage=100",
      );
      const all = await asOwner(
        "/api/queues?activeQueue=import&status=waiting&page=1&jobsPerPage=100",
      );
      const shown = response.body + all.body;
      expect(shown).toContain(label);
      expect(shown).toContain(`/api/v1/runs/${String(runId)}`);
      expect(shown).toContain("[redacted]");
      expect(findCanary(shown, CANARY)).toEqual([]);
    } finally {
      for (const { queue } of raw.queues)
        for (const job of await queue.getJobs())
          if (Number((job.data as { runId?: number }).runId) >= runId) await job.remove();
      await raw.close();
      await producer.close();
      await backend.close();
    }
  });

  it("slows down who guesses, and lets him in again after a minute", async () => {
    const guess = () => get("/api/queues", basic(new Secret("wrong").reveal().repeat(8)));
    for (let attempt = 0; attempt < 10; attempt++) expect((await guess()).statusCode).toBe(401);
    const blocked = await asOwner("/api/queues");
    expect(blocked.statusCode).toBe(429);
    expect(Number(blocked.headers["retry-after"])).toBeGreaterThan(0);
    time.nowMs += 61_000;
    expect((await asOwner("/api/queues")).statusCode).toBe(200);
  });
});
