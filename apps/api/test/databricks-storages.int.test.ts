import { startDatabricksFake, type DatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("databricks storages", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_databricks", stores.change);
  let fake: DatabricksFake;
  let project = 0;
  let place: Json = {};

  beforeAll(async () => {
    fake = await startDatabricksFake({
      volumes: ["main/default/pets", "main/default/empty"],
      tokens: [{ token: "dapi-owner" }, { token: "dapi-writer", allow: ["write"] }],
    });
    for (const key of ["a.jpg", "dir/b.jpg", "dir/sub/c.txt"])
      fake.putFile(`main/default/pets/${key}`, key);
    place = {
      ...{ host: `${fake.endpoint}/`, catalog: "main", schema: "default", volume: "pets" },
      token: "dapi-owner",
    };
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  afterAll(() => fake.close());

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.body === "" ? {} : response.json<Json>();
  }
  const post = (path: string, payload: Json, status: number) =>
    call(
      {
        method: "POST",
        url: `/api/storages/${path}`,
        payload: { project, ...place, ...payload },
      },
      status,
    );
  const preview = async (payload: Json): Promise<Json> => post("databricks/files", payload, 200);

  it("are offered with a form", async () => {
    const types = await api().request({ url: "/api/storages/types" });
    expect(types.json()).toContainEqual({
      name: "databricks",
      title: "Databricks Files (UC Volumes)",
    });
    const form = await api().request({ url: "/api/storages/databricks/form" });
    expect(form.statusCode).toBe(200);
    expect(form.body).toContain('"azure_ad_sp"');
  });

  it("need the storage proxy of the organisation, whatever presign says", async () => {
    const url = `/api/organizations/${String(api().owner.organizationId)}`;
    const change = (enabled: boolean) =>
      call({ method: "PATCH", url, payload: { storage_proxy_enabled: enabled } });
    await change(false);
    const refused = await post("databricks/", { presign: true }, 400);
    expect(refused["validation_errors"]).toEqual({
      non_field_errors: [
        "media of Databricks Files (UC Volumes) can only be served through the storage proxy, which is disabled for this organization; ask an owner or admin to enable it",
      ],
    });
    await post("export/databricks", {}, 201);
    await change(true);
  });

  it("are created with presign, which acts as proxy, and shown without their token", async () => {
    const storage = await post("databricks/", { presign: true, recursive_scan: true }, 201);
    expect(storage).toMatchObject({
      ...{ host: fake.endpoint, catalog: "main", schema: "default", volume: "pets" },
      presign: true,
    });
    expect(JSON.stringify(storage)).not.toContain("dapi-owner");
    expect(Object.keys(storage)).not.toContain("token");
    const { files } = await call({
      method: "POST",
      url: "/api/storages/databricks/files",
      payload: { project, id: storage["id"] },
    });
    expect((files as Json[]).map(({ key }) => key)).toEqual([
      "a.jpg",
      "dir/b.jpg",
      "dir/sub/c.txt",
    ]);
  });

  it("list one directory only unless the scan is recursive", async () => {
    const { files } = await preview({ prefix: "dir", recursive_scan: false });
    expect((files as Json[]).map(({ key }) => key)).toEqual(["dir/b.jpg"]);
  });

  it("say what to verify when a preview is empty, and nothing else when it is not", async () => {
    expect(await preview({ volume: "empty" })).toEqual({
      files: [],
      warnings: [
        {
          code: "preview.empty",
          message:
            "No files found in /Volumes/main/default/empty: verify the path and that the token may read the volume (READ VOLUME).",
        },
      ],
    });
    expect(await preview({})).not.toHaveProperty("warnings");
  });

  it.each([
    [{ token: "wrong" }, /does not accept the token/],
    [{ volume: "nope" }, /the volume does not exist/],
    [{ prefix: "nowhere" }, /^No files found in \/Volumes\/main\/default\/pets\/nowhere: verify/],
  ])("with %j are refused with a sentence", async (payload, message) => {
    for (const path of ["databricks/", "databricks/validate"]) {
      const answer = await post(path, payload, 400);
      const complaints = answer["validation_errors"] as { non_field_errors: string[] };
      expect(complaints.non_field_errors[0]).toMatch(message);
    }
  });

  it.each([
    [{ host: "" }, "host"],
    [{ host: "http://adb-1.azuredatabricks.net" }, "host"],
    [{ catalog: null }, "catalog"],
    [{ token: null }, "token"],
    [{ auth_type: "dbx_sp", client_id: "x" }, "client_secret"],
    [{ auth_type: "magic" }, "auth_type"],
  ])("with %j are refused at the field %s", async (payload, field) => {
    const answer = await post("databricks/", payload, 400);
    expect(Object.keys(answer["validation_errors"] as Json)).toEqual([field]);
  });

  it("keep their token in a PATCH, and demand it again for another host", async () => {
    const { id } = await post("databricks/", {}, 201);
    const url = `/api/storages/databricks/${String(id)}`;
    const patched = await call({ method: "PATCH", url, payload: { prefix: "dir" } });
    expect(patched).toMatchObject({ prefix: "dir" });
    const requests = fake.paths.length;
    const moved = { host: "https://evil.example" };
    const refused = await call({ method: "PATCH", url, payload: moved }, 400);
    expect(Object.keys(refused["validation_errors"] as Json)).toEqual(["token"]);
    expect(fake.paths).toHaveLength(requests);
  });

  it("as targets work with a token that may only write, with a warning", async () => {
    const storage = await post("export/databricks", { token: "dapi-writer", prefix: "out" }, 201);
    const codes = (storage["warnings"] as Json[]).map(({ code }) => code);
    // The other two are about the storages that the tests before this one have made at the same place.
    expect(codes).toEqual(["target.list_denied", "target.overlaps_source", "target.overlap"]);
    expect(storage).not.toHaveProperty("presign");
  });
});
