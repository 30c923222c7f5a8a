import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("organisations", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_organizations", (deps) => ({ ...deps, stores }));
  const tokens: Record<string, string> = {};
  let own = "";

  beforeAll(async () => {
    tokens["owner"] = api().owner.token;
    own = `/api/organizations/${String(api().owner.organizationId)}`;
    for (const role of ["admin", "manager", "reviewer", "annotator"] as const)
      tokens[role] = (await addPerson(api(), role)).token;
  });

  const asRole = (role: string, options: TestRequest) =>
    api().request({ ...options, token: tokens[role] ?? null });
  const change = (payload: Json, role = "owner") =>
    asRole(role, { method: "PATCH", url: own, payload });

  it("show their external id to owners and admins alone", async () => {
    const facts = await api().deps.organizations.getFacts(api().owner.organizationId);
    for (const role of Object.keys(tokens)) {
      const list = (await asRole(role, { url: "/api/organizations/" })).json<Json[]>();
      const one = (await asRole(role, { url: own })).json<Json>();
      expect(list).toHaveLength(1);
      const seen = role === "owner" || role === "admin" ? facts.externalId : undefined;
      expect([role, list[0]?.["external_id"], one["external_id"]]).toEqual([role, seen, seen]);
    }
  });

  it("have the keys of the contract", async () => {
    const response = await api().request({ url: own });
    expect(response.json()).toEqual({
      id: api().owner.organizationId,
      title: "Example",
      contact_info: null,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
      external_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      default_role: "AN",
      billing: {},
      storage_proxy_enabled: true,
      presign_ttl_ceiling_minutes: null,
    });
  });

  it("are not there for people of another one", async () => {
    const { token } = api().stranger;
    const seen = await api().request({ url: own, token });
    expect(seen.statusCode).toBe(404);
    expect(seen.json<Json>()["detail"]).toBe("No Organization matches the given query.");
    const changed = { method: "PATCH", url: own, payload: { title: "Stolen" }, token } as const;
    expect((await api().request(changed)).statusCode).toBe(404);
    const list = await api().request({ url: "/api/organizations/", token });
    expect(list.json<Json[]>().map(({ title }) => title)).toEqual(["Elsewhere"]);
  });

  it("are changed by owners and admins alone, and never in their external id", async () => {
    const before = (await api().request({ url: own })).json<Json>();
    for (const role of ["manager", "reviewer", "annotator"])
      expect((await change({ title: "Mine" }, role)).statusCode).toBe(403);
    const wish = { title: " Renamed ", external_id: "chosen", id: 99, token: "x" };
    const changed = await change(wish, "admin");
    expect(changed.json()).toEqual({ ...before, title: "Renamed" });
  });

  it("take a ceiling of presigned URLs between a minute and seven days", async () => {
    for (const wrong of [0, -1, 10_081, "soon"]) {
      const refused = await change({ presign_ttl_ceiling_minutes: wrong });
      expect(refused.statusCode).toBe(400);
      expect(refused.body).toContain("presign_ttl_ceiling_minutes");
    }
    expect((await change({ presign_ttl_ceiling_minutes: 15 })).json()).toMatchObject({
      presign_ttl_ceiling_minutes: 15,
    });
    expect((await change({ presign_ttl_ceiling_minutes: null })).json()).toMatchObject({
      presign_ttl_ceiling_minutes: null,
    });
    for (const title of ["", null])
      expect((await change({ title })).json()).toMatchObject({ status_code: 400 });
  });

  it("refuse sources with presigned URLs off while the storage proxy is off, and let old ones go on", async () => {
    const project = (
      await api().request({ method: "POST", url: "/api/projects/", payload: {} })
    ).json<Json>()["id"];
    const save = (presign: boolean) =>
      api().request({
        method: "POST",
        url: "/api/storages/s3/",
        payload: { project, bucket: "imgs", presign },
      });
    const old = (await save(false)).json<Json>();
    const url = `/api/storages/s3/${String(old["id"])}`;
    expect((await change({ storage_proxy_enabled: false })).statusCode).toBe(200);

    const refused = await save(false);
    expect(refused.statusCode).toBe(400);
    expect(refused.json()).toMatchObject({
      validation_errors: {
        non_field_errors: [
          "a source with presigned URLs off needs the storage proxy, which is disabled for this organization; turn presigned URLs on (presign) or ask an owner or admin to enable it",
        ],
      },
    });
    const made = await save(true);
    expect(made.statusCode).toBe(201);
    const other = `/api/storages/s3/${String(made.json<Json>()["id"])}`;
    const patch = (to: string, payload: Json) =>
      api().request({ method: "PATCH", url: to, payload });
    expect((await patch(other, { presign: false })).statusCode).toBe(400);
    expect((await patch(url, { title: "still proxied" })).statusCode).toBe(400);
    expect((await api().request({ url })).json()).toMatchObject({ presign: false });
    expect((await api().request({ method: "POST", url: `${url}/sync` })).statusCode).toBe(200);
    const target = { project, bucket: "out" };
    const targets = { method: "POST", url: "/api/storages/export/s3", payload: target } as const;
    expect((await api().request(targets)).statusCode).toBe(201);

    expect((await change({ storage_proxy_enabled: true })).statusCode).toBe(200);
    expect((await patch(url, { title: "proxied again" })).statusCode).toBe(200);
  });
});
