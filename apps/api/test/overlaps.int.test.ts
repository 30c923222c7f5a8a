import { isProviderName, loadProvider } from "@bucketbridge/storage/providers";
import { describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { useApi } from "./harness.ts";

type Json = Record<string, unknown>;

const ROLE = { role_arn: "arn:aws:iam::123456789012:role/labels" };
const WIF = {
  ...{ google_project_number: "1", google_wif_pool_id: "p", google_wif_provider_id: "q" },
  google_service_account_email: "a@p.iam.gserviceaccount.com",
};
const APP = { tenant_id: "t", client_id: "c", client_secret: "s" };
const VOLUME = { host: "https://w.example", catalog: "c", schema: "s", volume: "v", token: "t" };

/** Two types, and what each of them needs besides the place. */
const PAIRS: readonly (readonly [string, Json, string, Json])[] = [
  ["s3", { bucket: "pets" }, "s3s", { bucket: "pets", ...ROLE }],
  ["gcs", { bucket: "pets" }, "gcswif", { bucket: "pets", ...WIF }],
  [
    ...["azure", { container: "pets", account_name: "account", account_key: "a2V5" }],
    ...["azure_spi", { container: "pets", account_name: "account", ...APP }],
  ] as [string, Json, string, Json],
  ["databricks", VOLUME, "databricks", VOLUME],
];

describe("storages that meet", () => {
  const stores = {
    ...makeMemoryStores(),
    find: (type: string) =>
      isProviderName(type) ? loadProvider(type) : Promise.resolve(undefined),
    check: () => Promise.resolve([]),
  };
  const api = useApi("api_overlaps", (deps) => ({ ...deps, stores }));

  async function makeProject(): Promise<number> {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    return (await api().request(request)).json<{ id: number }>().id;
  }
  async function call(method: "POST" | "PATCH", path: string, payload: Json, status: number) {
    const response = await api().request({ method, url: `/api/storages/${path}`, payload });
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Json>();
  }
  const codesOf = ({ warnings }: Json) =>
    ((warnings ?? []) as { code: string }[]).map(({ code }) => code);

  it.each(PAIRS)("%s %j and %s: are told at create and at PATCH", async (...pair) => {
    const [type, place, otherType, otherPlace] = pair;
    const project = await makeProject();
    const first = await call("POST", `${type}/`, { project, ...place, prefix: "in" }, 201);
    expect(codesOf(first)).toEqual([]);
    const inside = { project, ...otherPlace, prefix: "in/cats" };
    const second = await call("POST", `${otherType}/`, inside, 201);
    expect(codesOf(second)).toEqual(["storage.overlap"]);
    expect(JSON.stringify(second["warnings"])).toContain(`storage ${String(first["id"])}`);
    const path = `${otherType}/${String(second["id"])}`;
    expect(codesOf(await call("PATCH", path, { prefix: "inner" }, 200))).toEqual([]);
    expect(codesOf(await call("PATCH", path, { prefix: "in" }, 200))).toEqual(["storage.overlap"]);
  });

  it("are not told for another bucket, another scheme or another project", async () => {
    const project = await makeProject();
    await call("POST", "s3/", { project, bucket: "pets" }, 201);
    const others: readonly (readonly [string, Json])[] = [
      ["s3s", { project, ...ROLE, bucket: "cats" }],
      ["gcs", { project, bucket: "pets" }],
      ["s3s", { project: await makeProject(), ...ROLE, bucket: "pets" }],
    ];
    for (const [type, payload] of others)
      expect(codesOf(await call("POST", `${type}/`, payload, 201)), type).toEqual([]);
  });

  describe("prefixes of targets", () => {
    it("may name the project, whose id stands in the place", async () => {
      const project = await makeProject();
      await call("POST", "s3/", { project, bucket: "pets", prefix: `out/${String(project)}` }, 201);
      const target = { project, bucket: "pets", prefix: "out/${project_id}" };
      const made = await call("POST", "export/s3", target, 201);
      expect(made["prefix"]).toBe("out/${project_id}");
      expect(codesOf(made)).toEqual(["target.overlaps_source"]);
    });

    it("name nothing else, at create, validate and PATCH", async () => {
      const project = await makeProject();
      const target = { project, bucket: "pets", prefix: "out/${task_id}" };
      const { id } = await call("POST", "export/s3", { ...target, prefix: "out" }, 201);
      const requests = [
        ["POST", "export/s3"],
        ["POST", "export/s3/validate"],
        ["PATCH", `export/s3/${String(id)}`],
      ] as const;
      for (const [method, path] of requests) {
        const { validation_errors: errors } = await call(method, path, target, 400);
        expect(errors).toEqual({
          prefix: ["the prefix names ${task_id}; it may name project_id only"],
        });
      }
      // The keys of a source are as they are.
      await call("POST", "s3/", target, 201);
    });
  });
});
