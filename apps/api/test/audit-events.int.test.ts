import { findCanary, makeCanary, waitFor } from "@bucketbridge/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi, type TestMember, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

const CANARY = makeCanary("audit");

describe("audit events", () => {
  const stores = makeMemoryStores(["a.jpg"]);
  const api = useApi("api_audit", (deps) => ({ ...deps, stores }));
  let annotator: TestMember;
  let project = 0;
  let storage = 0;
  let task = 0;

  beforeAll(async () => {
    annotator = await addPerson(api(), "annotator");
    project = (await call({ method: "POST", url: "/api/projects/", payload: {} }, 201))[
      "id"
    ] as number;
    const place = { project, bucket: "imgs", presign: false, aws_secret_access_key: CANARY.value };
    storage = (await call({ method: "POST", url: "/api/storages/s3/", payload: place }, 201))[
      "id"
    ] as number;
    const data = { image: "s3://imgs/a.jpg" };
    task = (await call({ method: "POST", url: "/api/tasks/", payload: { project, data } }, 201))[
      "id"
    ] as number;
  });

  async function call(options: TestRequest, status: number): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.body.startsWith("{") ? response.json<Json>() : {};
  }
  const list = async (query: string): Promise<Json[]> =>
    (await call({ url: `/api/v1/audit-events?${query}` }, 200))["items"] as Json[];
  /** They are written after the answer. */
  async function find(query: string, count = 1): Promise<Json[]> {
    let found: Json[] = [];
    await waitFor(
      async () => {
        found = await list(query);
        return found.length >= count;
      },
      { timeoutMs: 10_000, what: `events of ${query}` },
    );
    return found;
  }
  const detailsOf = (event: Json | undefined) =>
    JSON.parse(String(event?.["details"])) as { fields?: string[]; values?: Json; route: string };

  it("tell who made a storage, by which fields, and none of its secrets", async () => {
    const [event] = await find("action=storage.created");
    expect(event).toMatchObject({
      ...{ actorId: api().owner.userId, subjectType: "storage", subjectId: storage, status: 201 },
      address: "127.0.0.1",
    });
    expect(event?.["tokenId"]).toEqual(expect.any(Number));
    expect(detailsOf(event)).toEqual({
      route: "POST /api/storages/:type/",
      params: {},
      fields: ["project", "bucket", "presign", "aws_secret_access_key"],
      values: { project, presign: false },
    });
    const rows = await api().database.inMaintenance((tx) => tx.auditEvent.findMany());
    const text = JSON.stringify(rows, (_key, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
    expect(findCanary(text, CANARY)).toEqual([]);
  });

  it("tell of changes of people, tokens and the organisation, of syncs and sign-ins", async () => {
    const organization = `/api/organizations/${String(api().owner.organizationId)}`;
    const send = (method: "POST" | "PATCH" | "DELETE", url: string, payload: Json = {}) =>
      api().request({ method, url, payload });
    const person = await addPerson(api(), "reviewer");
    const role = { user_id: person.userId, role: "MA" };
    await send("PATCH", `${organization}/memberships`, role);
    await send("PATCH", organization, { presign_ttl_ceiling_minutes: 30 });
    await send("POST", `/api/projects/${String(project)}/members/`, { user: annotator.userId });
    await send("POST", "/api/v1/tokens", { name: "x", scope: "read" });
    await send("POST", `/api/v1/storages/${String(storage)}/sync`);
    const signIn = { email: api().owner.email, password: api().owner.token };
    await send("POST", "/api/v1/session", signIn);
    for (const [action, subjectId, values] of [
      ["member.changed", expect.any(Number), role],
      ["organization.changed", api().owner.organizationId, { presign_ttl_ceiling_minutes: 30 }],
      ["project_member.created", project, { user: annotator.userId }],
      ["token.created", expect.any(Number), { scope: "read", expiresInDays: 90 }],
      ["run.requested", storage, undefined],
      ["session.created", null, undefined],
    ] as const) {
      const [event] = await find(`action=${action}`);
      expect([action, event?.["subjectId"]]).toEqual([action, subjectId]);
      expect(detailsOf(event).values).toEqual(values);
    }
    const rows = await api().request({ url: "/api/v1/audit-events?limit=500" });
    expect(rows.body).not.toContain(api().owner.token);
  });

  it("tell who was refused, once a minute", async () => {
    const refused = { url: "/api/v1/runs", token: annotator.token };
    for (let times = 0; times < 3; times++) await call(refused, 403);
    const outside = await call({ method: "POST", url: "/api/projects/", payload: {} }, 201);
    const url = `/api/projects/${String(outside["id"])}/`;
    await call({ url, token: annotator.token }, 404);
    const query = `action=access.denied&actorId=${String(annotator.userId)}`;
    const found = await find(query, 2);
    expect(found.map((event) => [event["status"], detailsOf(event).route])).toEqual([
      [404, "GET /api/projects/:id/"],
      [403, "GET /api/v1/runs"],
    ]);
    expect(found[0]?.["subjectId"]).toBe(outside["id"]);
  });

  it("tell once a day who opened the media of a task", async () => {
    const { owner, deps } = api();
    await deps.projectMembers.add(owner.organizationId, project, annotator.userId);
    const fileuri = Buffer.from("s3://imgs/a.jpg").toString("base64url");
    const url = `/tasks/${String(task)}/resolve/?fileuri=${fileuri}`;
    for (const token of [annotator.token, annotator.token, owner.token])
      await call({ url, token }, 200);
    const found = await find(`action=media.opened&subjectType=task&subjectId=${String(task)}`, 2);
    expect(found.map(({ actorId }) => actorId)).toEqual([owner.userId, annotator.userId]);
    // Another process does not know what this one has noted; the database does.
    const again = {
      ...{ organizationId: owner.organizationId, actorId: owner.userId, tokenId: null },
      ...{ action: "media.opened", subjectType: "task", subjectId: task, status: 200 },
      ...{ requestId: "r", address: null, details: {}, isDaily: true },
    };
    await deps.auditEvents.append([again, again]);
    expect(await list("action=media.opened")).toHaveLength(2);
  });

  it("are for owners and admins of their organisation", async () => {
    const url = "/api/v1/audit-events";
    await call({ url, token: annotator.token }, 403);
    const foreign = await call({ url, token: api().stranger.token }, 200);
    expect(foreign["items"]).toEqual([]);
  });

  it("come in pages, by time, and as a file", async () => {
    const all = await list("limit=500");
    expect(all.length).toBeGreaterThan(5);
    const first = await call({ url: "/api/v1/audit-events?limit=2" }, 200);
    const cursor = String(first["nextCursor"]);
    const second = await call({ url: `/api/v1/audit-events?limit=2&cursor=${cursor}` }, 200);
    const ids = [...(first["items"] as Json[]), ...(second["items"] as Json[])];
    expect(ids.map(({ id }) => id)).toEqual(all.slice(0, 4).map(({ id }) => id));
    expect(await list("until=2020-01-01T00:00:00Z")).toEqual([]);
    expect((await list("since=2020-01-01T00:00:00Z&limit=500")).length).toBe(all.length);
    const file = await api().request({ url: "/api/v1/audit-events?format=csv" });
    expect(file.headers["content-disposition"]).toBe('attachment; filename="audit-events.csv"');
    expect(file.body.split("\n")[0]).toContain("id,createdAt,actorId,tokenId,action");
    expect(file.body.trim().split("\n")).toHaveLength(all.length + 1);
    await call({ url: "/api/v1/audit-events?since=yesterday" }, 400);
  });
});
