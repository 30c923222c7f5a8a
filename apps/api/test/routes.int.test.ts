import type { RouteOptions } from "fastify";
import { beforeAll, describe, expect, it } from "vitest";
import { isAllowed, ROLES_BY_PERMISSION } from "../src/permissions.ts";
import { AccessWorld } from "./fixtures/access-world.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { openTestBoard } from "./fixtures/board.ts";
import { useApi } from "./harness.ts";

/** Routes that anybody may call, each with its reason. A new one belongs on this list on purpose or not at all. */
const PUBLIC_ROUTES: Readonly<Record<string, string>> = {
  "/api/version": "clients ask before they log in",
  "/health": "the contract's probe",
  "/livez": "a probe",
  "/readyz": "a probe",
  "/metrics": "counts of routes and jobs, no names",
  "/version": "which version runs",
  "/api/token/refresh/": "the personal token in the body is the credential",
  "/api/v1/session": "the address and the password in the body are the credentials",
  "/sign-in": "a page for people who are not signed in yet",
  "/sign-in/page.js": "its script",
  "/sign-in/page.css": "its style",
  "/setup": "a page for the first owner, who has no account yet",
  "/api/v1/first-owner": "the token of the setup link is the credential, while there is no account",
  "/api/v1/sign-up": "closed unless the operator opens it",
  "/invitation": "a page for people who have no account yet",
  "/api/v1/invitations/accept": "the token in the body is the credential",
  "/api/v1/annotation-events": "the signature of the body is the credential",
  "/api/v1/projects/:id/label-studio-webhook": "the header of the hook is the credential",
};

interface Route {
  readonly method: string;
  readonly url: string;
  readonly config: RouteOptions["config"];
}

describe("every route", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_routes", async (deps, url) => ({
    ...deps,
    stores,
    health: { ...deps.health, board: await openTestBoard(url) },
  }));
  const foreign = { project: 0, task: 0, storage: 0, target: 0, run: 0 };
  let world: AccessWorld;

  const routes = (): Route[] =>
    api()
      .app.routeTable.flatMap(({ method, url, config }) =>
        [method].flat().map((one) => ({ method: one, url, config })),
      )
      .filter(({ method }) => method !== "HEAD");

  beforeAll(async () => {
    world = new AccessWorld(api(), api().owner);
    for (const thing of Object.keys(foreign) as (keyof typeof foreign)[])
      foreign[thing] = await world.id(thing);
    // The draft last: saving an annotation removes the drafts that it was made from.
    for (const thing of ["annotation", "prediction", "draft"] as const) await world.id(thing);
    expect(Object.values(foreign).every((id) => id > 0)).toBe(true);
  });

  it("declares a permission of the table or stands on the list of public ones", () => {
    expect(routes().length).toBeGreaterThan(50);
    const undeclared = routes().filter(({ url, config }) => {
      if (config?.permission !== undefined) return !(config.permission in ROLES_BY_PERMISSION);
      return !(config?.public === true && (url in PUBLIC_ROUTES || url.startsWith("/docs")));
    });
    expect(undeclared).toEqual([]);
  });

  it("asks for an identity unless it is public", async () => {
    for (const { method, url, config } of routes()) {
      if (config?.public === true) continue;
      const response = await api().app.inject({
        method: method as "GET",
        url: await world.fill(url),
        payload: "",
      });
      expect(`${method} ${url} ${String(response.statusCode)}`).toBe(`${method} ${url} 401`);
      expect(response.headers["www-authenticate"]).toBe("Token");
    }
  });

  it("refuses a role that lacks the permission", async () => {
    const { owner } = api();
    const setRole = (role: string) =>
      api().database.inMaintenance((tx) =>
        tx.membership.updateMany({ where: { userId: owner.userId }, data: { role } }),
      );
    await setRole("annotator");
    try {
      for (const { method, url, config } of routes()) {
        if (config?.public === true) continue;
        const { permission } = config ?? {};
        if (permission !== undefined && isAllowed("annotator", permission)) continue;
        const authorization =
          config?.scheme === "page"
            ? `Basic ${Buffer.from(`me:${owner.token}`).toString("base64")}`
            : `Token ${owner.token}`;
        const response = await api().app.inject({
          method: method as "GET",
          url: await world.fill(url),
          headers: { authorization },
        });
        expect(`${method} ${url} ${String(response.statusCode)}`).toBe(`${method} ${url} 403`);
      }
    } finally {
      await setRole("owner");
    }
  });

  it("answers 404 to whoever names something of another organisation", async () => {
    const tried: string[] = [];
    for (const { method, url, config } of routes()) {
      const hasId = /:(?!type\b)/.test(url);
      if (config?.public === true || config?.scheme === "page" || !hasId) continue;
      const response = await api().request({
        method: method,
        url: await world.fill(url),
        ...bodyOf(method, url),
        token: api().stranger.token,
      });
      tried.push(`${method} ${url}`);
      expect(response.statusCode, `${method} ${url}: ${response.body}`).toBe(404);
    }
    expect(tried.length).toBeGreaterThan(20);
  });

  it("shows nothing of another organisation in lists and takes none of its projects", async () => {
    const { token } = api().stranger;
    const project = String(foreign.project);
    const get = (url: string) => api().request({ url, token });
    expect((await get("/api/projects/")).json<{ count: number }>().count).toBe(0);
    expect((await get(`/api/tasks/?project=${project}`)).statusCode).toBe(404);
    expect((await get(`/api/storages/s3/?project=${project}`)).statusCode).toBe(404);
    expect((await get(`/api/predictions/?project=${project}`)).body).toBe("[]");
    expect((await get(`/api/dm/actions/?project=${project}`)).statusCode).toBe(404);
    const action = `/api/dm/actions/?id=delete_tasks&project=${project}`;
    const done = await api().request({ method: "POST", url: action, payload: {}, token });
    expect(done.statusCode).toBe(404);
    expect((await get(`/api/storages/?project=${project}`)).body).toBe("[]");
    expect((await get(`/api/storages/export/s3?project=${project}`)).statusCode).toBe(404);
    expect((await get(`/api/storages/export?project=${project}`)).body).toBe("[]");
    expect((await get("/api/v1/runs")).body).not.toContain(`"id":${String(foreign.run)}`);
    const task = { project: foreign.project, data: {} };
    const made = await api().request({ method: "POST", url: "/api/tasks/", payload: task, token });
    expect(made.statusCode).toBe(404);
    const storage = { project: foreign.project, bucket: "imgs" };
    const connected = await api().request({
      method: "POST",
      url: "/api/storages/s3/",
      payload: storage,
      token,
    });
    expect(connected.statusCode).toBe(400);
    const target = { method: "POST", url: "/api/storages/export/s3", payload: storage } as const;
    expect((await api().request({ ...target, token })).statusCode).toBe(400);
  });

  it("has left what it was asked about as it was", async () => {
    const project = await api().request({ url: `/api/projects/${String(foreign.project)}/` });
    expect(project.json()).toMatchObject({ id: foreign.project, task_number: 1 });
    const task = await api().request({ url: `/api/tasks/${String(foreign.task)}/` });
    expect(task.json()).toMatchObject({ total_annotations: 1, total_predictions: 1 });
    expect(task.json<{ drafts: unknown[] }>().drafts).toHaveLength(1);
    const storage = await api().request({ url: `/api/storages/s3/${String(foreign.storage)}` });
    expect(storage.statusCode).toBe(200);
    const target = await api().request({
      url: `/api/storages/export/s3/${String(foreign.target)}`,
    });
    expect(target.statusCode).toBe(200);
  });
});

function bodyOf(method: string, url: string): { readonly payload?: object } {
  // The native API refuses fields that it does not know before it looks for anything.
  if (url.startsWith("/api/v1/")) return { payload: {} };
  return ["POST", "PUT", "PATCH"].includes(method)
    ? { payload: { data: {}, label_config: "<View/>", title: "Stolen" } }
    : {};
}
