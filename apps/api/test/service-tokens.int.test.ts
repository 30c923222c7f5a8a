import { beforeAll, describe, expect, it } from "vitest";
import { hashToken } from "../src/tokens.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi, type TestMember, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("service tokens", () => {
  const stores = makeMemoryStores(["a.jpg"]);
  const api = useApi("api_service_tokens", (deps) => ({ ...deps, stores }));
  let manager: TestMember;
  let project = 0;
  let task = 0;

  beforeAll(async () => {
    manager = await addPerson(api(), "manager");
    const post = async (url: string, payload: object) =>
      (await api().request({ method: "POST", url, payload })).json<{ id: number }>().id;
    project = await post("/api/projects/", {});
    await post("/api/storages/s3/", { project, bucket: "imgs" });
    task = await post("/api/tasks/", { project, data: { image: "s3://imgs/a.jpg" } });
  });

  async function call(options: TestRequest, status: number): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.body === "" ? {} : response.json<Json>();
  }
  const make = (payload: Json, token = manager.token) =>
    call({ method: "POST", url: "/api/v1/tokens", payload, token }, 201);
  const makeScoped = async (scope: string) => String((await make({ name: scope, scope }))["token"]);
  const status = async (options: TestRequest) => (await api().request(options)).statusCode;

  it("are shown once, and kept as their hash", async () => {
    const made = await make({ name: " nightly import ", scope: "read" });
    const token = String(made["token"]);
    expect(token).toMatch(/^bb_[\w-]{43}$/);
    expect(made).toMatchObject({
      ...{ name: "nightly import", scope: "read", userId: manager.userId, lastUsedAt: null },
      prefix: token.slice(0, 6),
    });
    const days = (Date.parse(String(made["expiresAt"])) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThan(90.1);
    const listed = await api().request({ url: "/api/v1/tokens", token: manager.token });
    expect(listed.json<{ items: Json[] }>().items).toHaveLength(1);
    expect(listed.body).not.toContain(token);
    const rows = await api().database.inMaintenance((tx) => tx.apiToken.findMany());
    expect(rows.some((row) => Buffer.from(row.tokenHash).equals(hashToken(token)))).toBe(true);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(api().log()).not.toContain(token);
  });

  it("with the scope read open what is read, and change nothing", async () => {
    const token = await makeScoped("read");
    const whoami = await call({ url: "/api/current-user/whoami", token }, 200);
    expect(whoami["email"]).toBe(manager.email);
    expect(await status({ url: "/api/projects/", token })).toBe(200);
    const refused = await call({ method: "POST", url: "/api/projects/", payload: {}, token }, 403);
    expect(refused["detail"]).toBe("This token may not do this: its scope is read.");
    const sync = { method: "POST", url: "/api/v1/storages/1/sync", payload: {}, token } as const;
    expect(await status(sync)).toBe(403);
  });

  it("with the scope write do what the member may, and no more", async () => {
    const token = await makeScoped("write");
    await call({ method: "POST", url: "/api/projects/", payload: {}, token }, 201);
    expect(await status({ url: "/api/v1/platform", token })).toBe(403);
  });

  it("with the scope media open the objects of tasks alone", async () => {
    const token = await makeScoped("media");
    const fileuri = Buffer.from("s3://imgs/a.jpg").toString("base64url");
    const url = `/tasks/${String(task)}/resolve/?fileuri=${fileuri}`;
    expect(await status({ url, token })).not.toBe(403);
    expect(await status({ url: `/api/tasks/${String(task)}/`, token })).toBe(403);
    expect(await status({ url: "/api/projects/", token })).toBe(403);
  });

  it("make no tokens, passwords or people, whatever their scope", async () => {
    const { token } = await make({ name: "of an owner", scope: "write" }, api().owner.token);
    const asked = [
      ["POST", "/api/v1/tokens", { name: "more", scope: "write" }],
      ["GET", "/api/v1/tokens", undefined],
      ["POST", "/api/token/", {}],
      ["POST", "/api/current-user/reset-token/", {}],
      ["PUT", "/api/v1/password", { newPassword: "correct horse battery" }],
      ["POST", "/api/v1/invitations", { email: "x@example.com", role: "admin" }],
      ["POST", "/api/users/", { email: "x@example.com" }],
    ] as const;
    for (const [method, url, payload] of asked) {
      const options = { method, url, ...(payload === undefined ? {} : { payload }) };
      const code = await status({ ...options, token: String(token) });
      expect([method, url, code]).toEqual([method, url, 403]);
    }
    const signIn = { email: api().owner.email, password: token };
    const session = { method: "POST", url: "/api/v1/session", payload: signIn } as const;
    expect(await status({ ...session, token: null })).toBe(401);
  });

  it("note their last use", async () => {
    const token = await makeScoped("read");
    await call({ url: "/api/projects/", token }, 200);
    const { items } = (await call({ url: "/api/v1/tokens", token: manager.token }, 200)) as {
      items: Json[];
    };
    expect(items[0]?.["lastUsedAt"]).toMatch(/Z$/);
  });

  it("open nothing once they are revoked or have expired", async () => {
    const made = await make({ name: "short", scope: "read" });
    const token = String(made["token"]);
    const id = made["id"] as number;
    const revoke = (by: string) =>
      status({ method: "DELETE", url: `/api/v1/tokens/${String(id)}`, token: by });
    expect(await revoke((await addPerson(api(), "reviewer")).token)).toBe(404);
    expect(await revoke(api().stranger.token)).toBe(404);
    expect(await revoke(manager.token)).toBe(204);
    expect(await revoke(manager.token)).toBe(404);
    expect(await status({ url: "/api/projects/", token })).toBe(401);

    const old = await makeScoped("read");
    await api().database.inMaintenance((tx) =>
      tx.apiToken.updateMany({
        where: { tokenHash: hashToken(old) },
        data: { expiresAt: new Date(Date.now() - 1_000) },
      }),
    );
    expect(await status({ url: "/api/projects/", token: old })).toBe(401);
  });

  it("of all members are seen and revoked by owners and admins", async () => {
    const made = await make({ name: "of the manager", scope: "read" });
    const url = "/api/v1/tokens?everyone=true";
    expect(await status({ url, token: manager.token })).toBe(403);
    const { items } = (await call({ url }, 200)) as { items: Json[] };
    expect(items.map(({ name }) => name)).toContain("of the manager");
    expect((await call({ url: "/api/v1/tokens" }, 200))["items"]).not.toContainEqual(
      expect.objectContaining({ name: "of the manager" }),
    );
    const gone = { method: "DELETE", url: `/api/v1/tokens/${String(made["id"])}` } as const;
    expect(await status(gone)).toBe(204);
  });

  it("are refused with the organisation's switch for tokens", async () => {
    const token = await makeScoped("read");
    const set = (on: boolean) =>
      call({ method: "POST", url: "/api/jwt/settings", payload: { api_tokens_enabled: on } }, 200);
    await set(false);
    expect(await status({ url: "/api/projects/", token })).toBe(401);
    await set(true);
    expect(await status({ url: "/api/projects/", token })).toBe(200);
  });

  it("need a name, a known scope and an end", async () => {
    for (const payload of [
      { scope: "read" },
      { name: "x" },
      { name: "x", scope: "admin" },
      { name: "x", scope: "read", expiresInDays: 0 },
      { name: "x", scope: "read", expiresInDays: 4_000 },
      { name: "", scope: "read" },
    ])
      await call({ method: "POST", url: "/api/v1/tokens", payload }, 400);
  });
});
