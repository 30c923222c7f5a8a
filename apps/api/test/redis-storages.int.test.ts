import { startRedis, type FoundRedis } from "@bucketbridge/testkit";
import { findRedisServer } from "@bucketbridge/testkit/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

const NO_SERVER = "no redis-server on the PATH: apt-get install redis-server";

describe("redis storages on a real server", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_redis", stores.change);
  let server: FoundRedis | undefined;
  let port = "";
  let project = 0;

  beforeAll(async () => {
    const program = findRedisServer();
    if (program === undefined) return;
    server = await startRedis(program);
    ({ port } = new URL(server.url));
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  beforeEach(({ skip }) => {
    if (server === undefined) skip(NO_SERVER);
  });
  afterAll(() => server?.stop());

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.statusCode === 204 || response.body === "" ? {} : response.json<Json>();
  }
  const path = (direction: "source" | "target"): string =>
    direction === "source" ? "/api/storages/redis" : "/api/storages/export/redis";
  const create = (direction: "source" | "target", payload: Json, status = 201): Promise<Json> => {
    const body = { project, host: "127.0.0.1", port, ...payload };
    return call({ method: "POST", url: path(direction), payload: body }, status);
  };
  const complaints = (answer: Json): string => JSON.stringify(answer["validation_errors"]);

  it("have the contract's shape and defaults, a number as port becomes text", async () => {
    const source = await create("source", { port: Number(port), path: "t:", use_blob_urls: true });
    expect(source).toMatchObject({
      type: "redis",
      path: "t:",
      host: "127.0.0.1",
      port,
      db: 1,
      use_blob_urls: true,
    });
    expect(Object.keys(source)).not.toContain("recursive_scan");
    expect(Object.keys(source)).not.toContain("username");
    const target = await create("target", { password: "" });
    expect(target).toMatchObject({ db: 2, port, path: null, can_delete_objects: null });
    expect(Object.keys(target)).not.toContain("password");
  });

  it.each(["source", "target"] as const)("refuse database 0 as a %s", async (direction) => {
    expect(complaints(await create(direction, { db: 0 }, 400))).toContain(
      "Please explicitly pass a redis db id to prevent accidentally overwriting existing database!",
    );
  });

  it.each([
    ["source", { port: "1" }, "Can't connect to Redis server."],
    ["target", { port: "1" }, "Error 111 connecting to 127.0.0.1:1. Connection refused."],
    ["source", { db: 99 }, "Can't connect to Redis server. The server has no database 99"],
    ["target", { db: 99 }, "The server has no database 99"],
  ] as const)(
    "answer 400 with the contract's words for a %s with %j",
    async (direction, fields, words) => {
      expect(complaints(await create(direction, fields, 400))).toContain(words);
    },
  );

  it.each([
    ["source", "target"],
    ["target", "source"],
  ] as const)(
    "refuse a database that is a %s already as a %s, by any name of the server",
    async (first, second) => {
      const db = first === "source" ? 5 : 6;
      const { id } = await create(first, { db });
      for (const host of ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"]) {
        const used = first === "source" ? "read by source" : "written by target";
        expect(complaints(await create(second, { db, host }, 400))).toContain(
          `is ${used} ${String(id)} of this organisation`,
        );
      }
      const other = await create(second, { db: 9 });
      const url = `${path(second)}/${String(other["id"])}`;
      const moved = await call({ method: "PATCH", url, payload: { db, host: "localhost" } }, 400);
      expect(complaints(moved)).toContain("of this organisation");
      await call({ method: "PATCH", url, payload: { title: "stays" } });
      await call({ method: "DELETE", url }, 204);
      await call({ method: "DELETE", url: `${path(first)}/${String(id)}` }, 204);
      const freed = await create(second, { db });
      await call({ method: "DELETE", url: `${path(second)}/${String(freed["id"])}` }, 204);
    },
  );

  it("show extra fields where they are set, ask for the password again for another host", async () => {
    const target = await create("target", { db: 12, username: "default", password: "pw-canary" });
    expect(target).toMatchObject({ username: "default" });
    const url = `${path("target")}/${String(target["id"])}`;
    const moved = await call({ method: "PATCH", url, payload: { host: "localhost" } }, 400);
    expect(complaints(moved)).toContain("password");
    expect(JSON.stringify([target, moved])).not.toContain("pw-canary");
    await call({ method: "PATCH", url, payload: { title: "still works" } });
  });

  it("list the first keys that a sync would take", async () => {
    const preview = await call({
      method: "POST",
      url: `${path("source")}/files`,
      payload: { project, host: "127.0.0.1", port, db: 7 },
    });
    expect(preview["files"]).toEqual([]);
  });
});
