import { isProviderName, loadProvider } from "@bucketbridge/storage/providers";
import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi } from "./harness.ts";

interface Help {
  readonly type: string;
  readonly sections: readonly { readonly id: string; readonly text: string }[];
  readonly missing: readonly { readonly name: string; readonly problem: string }[];
}

const PRINCIPAL = "arn:aws:iam::999999999999:role/platform";

describe("GET /api/v1/storages/{type}/setup", () => {
  const stores = {
    ...makeMemoryStores(),
    find: (type: string) =>
      isProviderName(type) ? loadProvider(type) : Promise.resolve(undefined),
  };
  const api = useApi("api_setup_help", (deps) => ({
    ...deps,
    stores,
    settings: { ...deps.settings, hostPrefix: "https://label.example.org/app" },
    platform: {
      findPrincipals: () =>
        Promise.resolve({
          ...{ aws: { name: PRINCIPAL }, awsFormer: undefined },
          gcp: { problem: "none is configured" },
        }),
      gcpSubject: { kind: "aws", roleArn: undefined },
      outgoingAddresses: ["192.0.2.1"],
    },
  }));
  let project = 0;
  beforeAll(async () => {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  const ask = (type: string, query: string, token?: string) =>
    api().request({
      url: `/api/v1/storages/${type}/setup?${query}`,
      ...(token === undefined ? {} : { token }),
    });
  const place = () => `project=${String(project)}&bucket=pets`;

  it("fills in the external id, the principal and the origin of the pages", async () => {
    const response = await ask("s3s", `${place()}&prefix=in`);
    expect(response.statusCode, response.body).toBe(200);
    const { externalId } = await api().deps.organizations.getFacts(api().owner.organizationId);
    const { type, sections, missing } = response.json<Help>();
    expect([type, missing]).toEqual(["s3s", []]);
    const text = (id: string) => sections.find((section) => section.id === id)?.text ?? "";
    expect(text("trust_policy")).toContain(externalId);
    expect(text("trust_policy")).toContain(PRINCIPAL);
    expect(text("source_policy")).toContain("arn:aws:s3:::pets/in/*");
    expect(text("cors")).toContain('"https://label.example.org"');
    expect(text("bucket_policy")).toContain("192.0.2.1/32");
  });

  it("tells what it does not know, and why", async () => {
    const { missing, sections } = (await ask("gcs_sa", place())).json<Help>();
    expect(missing).toEqual([{ name: "service account at Google", problem: "none is configured" }]);
    expect(sections[0]?.text).toContain("<ask the operator");
  });

  it("is there for every type", async () => {
    for (const type of [
      "s3",
      "gcs",
      "gcswif",
      "azure",
      "azure_spi",
      "redis",
      "localfiles",
      "databricks",
    ])
      expect((await ask(type, place())).statusCode, type).toBe(200);
  });

  it.each([
    ["s3s", "bucket=pets", 400],
    ["s3s", "project=1&bucket=a'%3B%20rm%20-rf", 400],
    ["s4", "project=1&bucket=pets", 404],
    ["s3s", "project=999999&bucket=pets", 404],
  ])("refuses %s with %s", async (type, query, status) => {
    expect((await ask(type, query)).statusCode).toBe(status);
  });

  it("is for owners and admins, of the project's organisation", async () => {
    const { token } = await addPerson(api(), "manager");
    expect((await ask("s3s", place(), token)).statusCode).toBe(403);
    expect((await ask("s3s", place(), api().stranger.token)).statusCode).toBe(404);
  });
});
