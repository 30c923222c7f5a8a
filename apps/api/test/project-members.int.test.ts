import { beforeAll, describe, expect, it } from "vitest";
import { hashToken, makeLegacyToken, tokenPrefix } from "../src/tokens.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("people who see a project only as its members", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_members", (deps) => ({ ...deps, stores }));
  let mine = 0;
  let other = 0;
  let myTask = 0;
  let otherTask = 0;
  let annotator = { userId: 0, token: "" };

  beforeAll(async () => {
    [mine, other] = [await makeProject(), await makeProject()];
    [myTask, otherTask] = [await makeTask(mine), await makeTask(other)];
    annotator = await addPerson("annotator", "anna@example.com");
    const { owner, deps } = api();
    await deps.projectMembers.add(owner.organizationId, mine, annotator.userId);
  });

  async function post(url: string, payload: Json, token?: string): Promise<Json> {
    const response = await api().request({ method: "POST", url, payload, ...asked(token) });
    expect(response.statusCode, response.body).toBe(201);
    return response.json<Json>();
  }
  const asked = (token?: string): Partial<TestRequest> => (token === undefined ? {} : { token });
  const makeProject = async () => (await post("/api/projects/", {}))["id"] as number;
  const makeTask = async (project: number) =>
    (await post("/api/tasks/", { project, data: { text: "x" } }))["id"] as number;

  function addPerson(role: string, email: string): Promise<{ userId: number; token: string }> {
    const { organizationId } = api().owner;
    const token = makeLegacyToken();
    return api().database.inMaintenance(async (tx) => {
      const user = await tx.user.create({ data: { email, activeOrganizationId: organizationId } });
      await tx.membership.create({ data: { organizationId, userId: user.id, role } });
      const key = { tokenHash: hashToken(token), prefix: tokenPrefix(token) };
      await tx.apiToken.create({
        data: { organizationId, userId: user.id, kind: "legacy", ...key },
      });
      return { userId: user.id, token };
    });
  }
  const status = async (url: string, over: Partial<TestRequest> = {}) =>
    (await api().request({ url, token: annotator.token, ...over })).statusCode;

  it("see their project and its tasks, and nothing of the others", async () => {
    const list = await api().request({ url: "/api/projects/", token: annotator.token });
    expect(list.json<{ results: Json[] }>().results.map(({ id }) => id)).toEqual([mine]);
    for (const [seen, project, task] of [
      [200, mine, myTask],
      [404, other, otherTask],
    ] as const) {
      expect(await status(`/api/projects/${String(project)}/`)).toBe(seen);
      expect(await status(`/api/projects/${String(project)}/tasks/`)).toBe(seen);
      expect(await status(`/api/tasks/?project=${String(project)}`)).toBe(seen);
      expect(await status(`/api/tasks/${String(task)}/`)).toBe(seen);
      expect(await status(`/api/tasks/${String(task)}/annotations/`)).toBe(seen);
      expect(await status(`/api/tasks/${String(task)}/drafts`)).toBe(seen);
    }
    const asking = `resolve/?fileuri=${encodeURIComponent("s3://x/y")}`;
    expect(await status(`/tasks/${String(otherTask)}/${asking}`)).toBe(404);
    expect(await status(`/projects/${String(other)}/${asking}`)).toBe(404);
  });

  it("annotate in their project, and change what is their own", async () => {
    const result: unknown[] = [];
    const onMine = `/api/tasks/${String(myTask)}/annotations/`;
    const own = (await post(onMine, { result }, annotator.token))["id"] as number;
    const foreign = (await post(onMine, { result }))["id"] as number;
    const change = { method: "PATCH", payload: { result } } as const;
    expect(await status(`/api/annotations/${String(own)}/`, change)).toBe(200);
    expect(await status(`/api/annotations/${String(foreign)}/`, change)).toBe(403);
    const remove = { method: "DELETE" } as const;
    expect(await status(`/api/annotations/${String(foreign)}/`, remove)).toBe(403);
    const inAnothersName = { ...change, payload: { completed_by: api().owner.userId } };
    expect(await status(`/api/annotations/${String(own)}/`, inAnothersName)).toBe(403);
    const create = { method: "POST", payload: { result } } as const;
    expect(await status(`/api/tasks/${String(otherTask)}/annotations/`, create)).toBe(404);
    const reviewer = await addPerson("reviewer", "rita@example.com");
    const url = `/api/annotations/${String(own)}/`;
    expect(await status(url, { ...change, token: reviewer.token })).toBe(404);
    const { owner, deps } = api();
    await deps.projectMembers.add(owner.organizationId, mine, reviewer.userId);
    expect(await status(url, { ...change, token: reviewer.token })).toBe(200);
  });

  it("see only their own drafts", async () => {
    const onMine = `/api/tasks/${String(myTask)}/drafts`;
    const foreign = (await post(onMine, { result: [] }))["id"] as number;
    const own = (await post(onMine, { result: [] }, annotator.token))["id"] as number;
    expect(await status(`/api/drafts/${String(foreign)}/`)).toBe(404);
    expect(await status(`/api/drafts/${String(own)}/`)).toBe(200);
    const listed = await api().request({ url: onMine, token: annotator.token });
    expect(listed.json<Json[]>().map(({ id }) => id)).toEqual([own]);
  });

  it("manage nothing: no tasks, storages, runs or webhooks", async () => {
    const tasks = { method: "POST", payload: { project: mine, data: {} } } as const;
    expect(await status("/api/tasks/", tasks)).toBe(403);
    expect(await status(`/api/storages/s3/?project=${String(mine)}`)).toBe(403);
    expect(await status("/api/v1/runs")).toBe(403);
    expect(await status(`/api/v1/projects/${String(mine)}/event-keys`)).toBe(403);
  });

  it("see nothing more once they have left", async () => {
    const { owner, deps } = api();
    await deps.projectMembers.remove(owner.organizationId, mine, annotator.userId);
    expect(await status(`/api/tasks/${String(myTask)}/`)).toBe(404);
    await deps.projectMembers.add(owner.organizationId, mine, annotator.userId);
  });
});
