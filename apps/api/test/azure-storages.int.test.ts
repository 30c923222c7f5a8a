import { DEFAULT_ACCOUNT, startAzureFake } from "@bucketbridge/testkit/azure-fake";
import { startEntraFake } from "@bucketbridge/testkit/entra-fake";
import { makeSelfSignedCertificate, trustCertificate } from "@bucketbridge/testkit/self-signed";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

const certificate = makeSelfSignedCertificate();
trustCertificate(certificate.cert);
const APP = { tenantId: "tenant-1", clientId: "app-1", clientSecret: "client-secret-value" };
const WRITER = { ...APP, clientId: "app-2" };
const entra = await startEntraFake({ apps: [APP, WRITER], certificate });
const fake = await startAzureFake({
  certificate,
  containers: ["pets", "empty"],
  identities: [
    { clientId: APP.clientId, allow: ["list", "read", "write", "delegate"] },
    { clientId: WRITER.clientId, allow: ["write"] },
  ],
});

describe("azure storages", () => {
  const stores = useLocalStores(["loopback"], {
    azure: { blobEndpoint: fake.blobEndpoint, authorityHost: entra.authorityHost },
  });
  const api = useApi("api_azure", stores.change);
  let project = 0;
  const { name, key } = DEFAULT_ACCOUNT;
  const fieldsOf: Readonly<Record<string, Json>> = {
    azure: { container: "pets", account_name: name, account_key: key },
    azure_spi: {
      ...{ container: "pets", account_name: name, tenant_id: ` ${APP.tenantId} ` },
      ...{ client_id: APP.clientId, client_secret: APP.clientSecret },
    },
  };
  const secretsOf: Readonly<Record<string, readonly string[]>> = {
    azure: [name, key],
    azure_spi: [APP.clientSecret],
  };

  beforeAll(async () => {
    for (const blob of ["a.jpg", "dir/b.jpg"]) fake.putBlob("pets", blob, "bytes");
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  afterAll(async () => {
    await fake.close();
    await entra.close();
  });

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.body === "" ? {} : response.json<Json>();
  }
  const post = (type: string, path: string, payload: Json, status: number) =>
    call(
      {
        method: "POST",
        url: `/api/storages/${path}`,
        payload: { project, ...fieldsOf[type], ...payload },
      },
      status,
    );
  const complaintsOf = (answer: Json) => answer["validation_errors"] as Record<string, string[]>;

  describe.each(["azure", "azure_spi"])("%s", (type) => {
    const secrets = secretsOf[type] ?? [];

    it("is offered with a form", async () => {
      const form = await api().request({ url: `/api/storages/${type}/form` });
      expect(form.statusCode).toBe(200);
      expect(form.body).toContain('"container"');
    });

    it.each(["", "export/"])(
      "is created below /%s, shown and listed without its secrets",
      async (path) => {
        const storage = await post(
          type,
          `${path}${type}`,
          { user_delegation_key: "S3CRETKEY" },
          201,
        );
        expect(storage).toMatchObject({ type, container: "pets" });
        const shown = await api().request({
          url: `/api/storages/${path}${type}/${String(storage["id"])}`,
        });
        const listed = await api().request({
          url: `/api/storages/${path}${type}?project=${String(project)}`,
        });
        for (const body of [JSON.stringify(storage), shown.body, listed.body])
          for (const secret of [...secrets, "S3CRETKEY"]) expect(body).not.toContain(secret);
        if (type === "azure_spi") expect(storage).toMatchObject({ tenant_id: APP.tenantId });
      },
    );

    it("previews, and keeps its secrets in a PATCH that does not name them", async () => {
      const { id } = await post(type, type, { recursive_scan: true }, 201);
      const url = `/api/storages/${type}/${String(id)}`;
      await call({ method: "PATCH", url, payload: { title: "renamed" } });
      const { files } = await call({
        method: "POST",
        url: `/api/storages/${type}/files`,
        payload: { project, id },
      });
      expect((files as Json[]).map((file) => file["key"])).toEqual(["a.jpg", "dir/b.jpg"]);
    });

    it("demands its secrets again when the account changes", async () => {
      const { id } = await post(type, type, {}, 201);
      const answer = await call(
        {
          method: "PATCH",
          url: `/api/storages/${type}/${String(id)}`,
          payload: { account_name: "another" },
        },
        400,
      );
      const secret = type === "azure" ? "account_key" : "client_secret";
      expect(Object.keys(complaintsOf(answer))).toEqual([secret]);
    });

    it.each([
      [{ container: "nope-nope" }, /^Container not found: nope-nope$/],
      [{ prefix: "nowhere" }, /^azure-blob:\/\/pets\/nowhere.* not found\.$/],
    ])("says in the contract's words what is not there: %j", async (payload, message) => {
      for (const path of [type, `${type}/validate`]) {
        const answer = await post(type, path, payload, 400);
        expect(complaintsOf(answer)["non_field_errors"]?.[0]).toMatch(message);
      }
    });
  });

  it("say what is wrong with an account key", async () => {
    const missing = await post("azure", "azure", { account_key: null }, 400);
    expect(complaintsOf(missing)["non_field_errors"]?.[0]).toMatch(
      /^Azure account name and key must be set using environment variables/,
    );
    const odd = await post("azure", "azure", { account_key: "not-base64" }, 400);
    expect(complaintsOf(odd)["non_field_errors"]?.[0]).toMatch(/^Incorrect padding/);
    const wrong = await post("azure", "azure", { account_key: "d3Jvbmc=" }, 400);
    expect(complaintsOf(wrong)["non_field_errors"]?.[0]).toMatch(/Server failed to authenticate/);
  });

  it("say what is wrong with a service principal, and nothing of its secret", async () => {
    const wrong = await post("azure_spi", "azure_spi", { client_secret: "wr0ng-secret" }, 400);
    expect(complaintsOf(wrong)["non_field_errors"]?.[0]).toMatch(/the client secret is wrong/);
    expect(JSON.stringify(wrong)).not.toContain("wr0ng-secret");
  });

  it("take a target that may write and not look", async () => {
    await post("azure_spi", "export/azure_spi", { client_id: WRITER.clientId }, 201);
    await post("azure_spi", "azure_spi", { client_id: WRITER.clientId }, 400);
  });
});
