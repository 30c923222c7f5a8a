import { makeCanary } from "@bucketbridge/testkit";
import { listSettingsFields, loadProvider, PROVIDER_NAMES } from "@bucketbridge/storage/providers";
import { beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi } from "./harness.ts";

type Json = Record<string, unknown>;

interface Row {
  readonly type: string;
  readonly secrets: readonly string[];
  readonly hosts: readonly string[];
}

/** Every type of the registry, its secrets and what decides who receives them. A new field is in by itself. */
async function listTypes(): Promise<readonly Row[]> {
  return Promise.all(
    PROVIDER_NAMES.map(async (type) => {
      const fields = listSettingsFields((await loadProvider(type)).settings);
      const named = (test: (field: (typeof fields)[number]) => boolean): readonly string[] =>
        fields.filter(test).map(({ name }) => name);
      return { type, secrets: named(({ secret }) => secret), hosts: named(({ host }) => host) };
    }),
  );
}

const TYPES = await listTypes();
const DIRECTIONS = ["", "export/"] as const;

/** What a storage of each type needs beside its secrets. */
const FIELDS: Readonly<Record<string, Json>> = {
  s3: { bucket: "cats", s3_endpoint: "https://one.example" },
  s3s: {
    ...{ bucket: "cats", s3_endpoint: "https://one.example" },
    role_arn: "arn:aws:iam::123456789012:role/reader",
  },
  gcs: { bucket: "cats" },
  gcs_sa: { bucket: "cats" },
  gcswif: { bucket: "cats" },
  azure: { container: "cats" },
  azure_spi: { container: "cats", account_name: "accountone", client_id: "app" },
  redis: { host: "one.example", port: "6379", db: 3 },
  localfiles: { path: "/data/cats" },
  databricks: { host: "https://one.example", catalog: "c", schema: "s", volume: "v" },
};

/** Another value for each field that decides who receives a secret. */
const OTHER_HOST: Readonly<Record<string, unknown>> = {
  "s3.s3_endpoint": "https://two.example",
  "s3s.s3_endpoint": "https://two.example",
  "azure.account_name": "accounttwo",
  "azure_spi.account_name": "accounttwo",
  "redis.host": "two.example",
  "redis.port": "6380",
  "redis.tls": true,
  "redis.tls_ca": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
  "databricks.host": "https://two.example",
};

/** Secrets that must have a shape. */
const SHAPED: Readonly<Record<string, string>> = { "azure.account_name": "accountone" };

function makeSecrets({ type, secrets }: Row): Record<string, string> {
  return Object.fromEntries(
    secrets.map((name) => [name, SHAPED[`${type}.${name}`] ?? makeCanary(name).value]),
  );
}

describe("a change of a storage", () => {
  // What the stores would say is not asked here: this is about what is kept and what is sent where.
  const stores = useLocalStores();
  const api = useApi("api_patch_secrets", (deps) => {
    const changed = stores.change(deps);
    const accepting = {
      ...changed.stores,
      check: () => Promise.resolve([]),
      checkHosts: () => Promise.resolve(),
      isSameServer: () => Promise.resolve(false),
    };
    const storageTypes = { ...changed.settings.storageTypes, gcsImpersonation: true };
    return {
      ...changed,
      stores: accepting,
      settings: { ...changed.settings, storageTypes, syncOnTargetCreation: false },
    };
  });
  let project = 0;

  beforeAll(async () => {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });

  async function create(row: Row, way: string): Promise<{ url: string; secrets: Json }> {
    const secrets = makeSecrets(row);
    const url = `/api/storages/${way}${row.type}${way === "" ? "/" : ""}`;
    const payload = { project, ...FIELDS[row.type], ...secrets };
    const answer = await api().request({ method: "POST", url, payload });
    expect(answer.statusCode, answer.body).toBe(201);
    const { id } = answer.json<{ id: number }>();
    const one = `/api/storages/${way}${row.type}/${String(id)}`;
    expect(await storedSecrets(one)).toEqual(secrets);
    return { url: one, secrets };
  }

  async function storedSecrets(url: string): Promise<Json> {
    const { storages } = api().deps;
    const direction = url.includes("/export/") ? "target" : "source";
    const [provider = "", id] = url.split("/").slice(-2);
    const filter = { direction, provider } as const;
    const storage = await storages.find(api().owner.organizationId, Number(id), filter);
    return storage === undefined ? {} : { ...storages.openSecrets(storage).reveal() };
  }

  const patch = (url: string, payload: Json) => api().request({ method: "PATCH", url, payload });

  const withSecrets = TYPES.filter(({ secrets }) => secrets.length > 0).flatMap((row) =>
    DIRECTIONS.map((way) => ({ ...row, way, path: `${way}${row.type}` })),
  );

  it("is tried with every type, and with another value for each of its hosts", () => {
    expect(Object.keys(FIELDS).toSorted()).toEqual(TYPES.map(({ type }) => type).toSorted());
    const hosts = TYPES.flatMap(({ type, hosts }) => hosts.map((name) => `${type}.${name}`));
    expect(Object.keys(OTHER_HOST).toSorted()).toEqual(hosts.toSorted());
  });

  it.each(withSecrets)("keeps secrets that it does not name: $path", async ({ way, ...row }) => {
    const { url, secrets } = await create(row, way);
    // As a form does that was filled from an answer: without what answers never hold.
    const shown = (await api().request({ url })).json<Json>();
    for (const payload of [{ title: "renamed" }, { ...shown, prefix: "other" }]) {
      const answer = await patch(url, payload);
      expect(answer.statusCode, answer.body).toBe(200);
      expect(await storedSecrets(url)).toEqual(secrets);
    }
  });

  it.each(withSecrets)("replaces the secret that it names: $path", async ({ way, ...row }) => {
    const { url } = await create(row, way);
    const fresh = makeSecrets(row);
    expect((await patch(url, fresh)).statusCode).toBe(200);
    expect(await storedSecrets(url)).toEqual(fresh);
  });

  const withHosts = withSecrets.flatMap(({ hosts, ...row }) =>
    hosts.map((host) => ({ ...row, hosts, host })),
  );

  it.each(withHosts)(
    "of $host demands all secrets of $path again, and saves nothing without them",
    async ({ way, host, ...row }) => {
      const { url, secrets } = await create(row, way);
      const before = (await api().request({ url })).json<Json>();
      const change = { [host]: OTHER_HOST[`${row.type}.${host}`] };
      const demanded = row.secrets.filter((name) => name !== host);
      const some = Object.fromEntries(demanded.slice(1).map((name) => [name, secrets[name]]));
      for (const payload of [change, { ...change, ...some }]) {
        const answer = await patch(url, payload);
        expect(answer.statusCode, answer.body).toBe(400);
        const missing = demanded.filter((name) => !(name in payload));
        const complaints = answer.json<{ validation_errors: Json }>().validation_errors;
        expect(Object.keys(complaints).toSorted()).toEqual(missing.toSorted());
        expect(await storedSecrets(url)).toEqual(secrets);
        expect((await api().request({ url })).json<Json>()).toEqual(before);
      }
      const fresh = { ...makeSecrets(row), ...change };
      expect((await patch(url, fresh)).statusCode).toBe(200);
      const kept = Object.fromEntries(row.secrets.map((name) => [name, fresh[name]]));
      expect(await storedSecrets(url)).toEqual(kept);
    },
  );

  it.each(withHosts)(
    "of $host by PUT demands the secrets of $path too",
    async ({ way, host, ...row }) => {
      const { url, secrets } = await create(row, way);
      const change = { [host]: OTHER_HOST[`${row.type}.${host}`] };
      const payload = { project, ...FIELDS[row.type], ...change };
      const answer = await api().request({ method: "PUT", url, payload });
      expect(answer.statusCode, answer.body).toBe(400);
      expect(await storedSecrets(url)).toEqual(secrets);
    },
  );
});
