import { generateKeyPairSync } from "node:crypto";
import { createEgress, type Resolver } from "@bucketbridge/storage/egress";
import {
  listSettingsFields,
  loadProvider,
  PROVIDER_NAMES,
  type SettingsField,
} from "@bucketbridge/storage/providers";
import { makeProviderDeps } from "@bucketbridge/storage/testing";
import {
  INNER_SPELLINGS,
  LOOPBACK_SPELLINGS,
  startTripwire,
  type Tripwire,
} from "@bucketbridge/testkit/private-hosts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStores } from "../src/stores/provider-stores.ts";
import { useApi, type TestDeps } from "./harness.ts";
import { OTHER_FIELDS } from "./fixtures/host-fields.ts";

type Json = Record<string, unknown>;

const SPELLINGS = [...LOOPBACK_SPELLINGS, ...INNER_SPELLINGS];
/** Up to 500 requests per field, each of which may resolve, dial and hang up. */
const LONG_MS = 120_000;

/** Whatever the name, it leads inside: as a hostile zone answers. */
const hostileResolver: Resolver = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);

/** Fields that decide which host is spoken to, of every type that is there. A new type is in by itself. */
async function listHostFields(): Promise<readonly { type: string; field: SettingsField }[]> {
  const found: { type: string; field: SettingsField }[] = [];
  for (const type of PROVIDER_NAMES) {
    const { settings } = await loadProvider(type);
    for (const field of listSettingsFields(settings))
      if (field.host && field.kind === "text") found.push({ type, field });
  }
  return found;
}

const HOST_FIELDS = await listHostFields();

function makeApi(name: string, allow: readonly string[]) {
  const egress = createEgress({ allow, denied: [], resolver: hostileResolver });
  const organizations = {
    getFacts: () => Promise.resolve({ externalId: "org-external-id", isOnlyOne: true }),
  };
  const stores = createStores({ provider: makeProviderDeps(egress), organizations, idleMs: 500 });
  const api = useApi(name, (deps: TestDeps) => ({ ...deps, stores }));
  afterAll(() => egress.close());
  return api;
}

describe("private hosts", () => {
  const api = makeApi("api_private_hosts", []);
  let tripwire: Tripwire;
  let project = 0;

  beforeAll(async () => {
    tripwire = await startTripwire();
    project = await createProject(api());
  });
  afterAll(() => tripwire.close());

  it("are tried at every type that speaks to a host which a user names", () => {
    const types = new Set(HOST_FIELDS.map(({ type }) => type));
    for (const type of types) expect(Object.keys(OTHER_FIELDS), type).toContain(type);
    expect([...types]).toEqual(expect.arrayContaining(["s3", "redis", "databricks"]));
  });

  it.each(HOST_FIELDS.map(({ type, field }) => [type, field.name] as const))(
    "are refused when %s is created or validated with one as %s, and nothing connects",
    { timeout: LONG_MS },
    async (type, name) => {
      const base = { project, ...OTHER_FIELDS[type]?.(tripwire.port) };
      const { settings } = await loadProvider(type);
      const isTaken = (value: string): boolean =>
        settings.safeParse({ ...base, [name]: value }).success;
      for (const [index, spelling] of SPELLINGS.entries()) {
        // What the schema refuses never comes to a connection: for the first spelling the API is asked all the same.
        const values = formsOf(spelling, tripwire.port).filter(
          (value) => index === 0 || isTaken(value),
        );
        const answers = await Promise.all(
          values.flatMap((value) =>
            PATHS[index % 2 === 0 ? "source" : "target"].map(async (path) => {
              const payload: Json = { ...base, [name]: value };
              const url = `/api/storages/${path(type)}`;
              const { statusCode, body } = await api().request({ method: "POST", url, payload });
              return { value, url, statusCode, body };
            }),
          ),
        );
        expect(answers.filter(({ statusCode }) => ![400, 403].includes(statusCode))).toEqual([]);
      }
      expect(tripwire.connections).toBe(0);
    },
  );
});

describe("private hosts inside of a Google key", () => {
  const api = makeApi("api_private_token_uri", []);
  let tripwire: Tripwire;
  let project = 0;

  beforeAll(async () => {
    tripwire = await startTripwire();
    project = await createProject(api());
  });
  afterAll(() => tripwire.close());

  it("are not connected to for a token", { timeout: LONG_MS }, async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const key = {
      ...{ type: "service_account", project_id: "cats", private_key_id: "1", client_id: "1" },
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
      client_email: "reader@cats.iam.gserviceaccount.com",
    };
    for (const [index, spelling] of SPELLINGS.entries()) {
      const place = `${spelling}:${String(tripwire.port)}`;
      const token_uri = `${index % 2 === 0 ? "http" : "https"}://${place}/token`;
      const credentials = JSON.stringify({ ...key, token_uri, universe_domain: place });
      const fields = { bucket: "cats", google_application_credentials: credentials };
      for (const path of PATHS[index % 2 === 0 ? "source" : "target"]) {
        const url = `/api/storages/${path("gcs")}`;
        const payload = { project, ...fields };
        const { statusCode } = await api().request({ method: "POST", url, payload });
        expect([400, 403], `${url} with ${token_uri}`).toContain(statusCode);
      }
    }
    expect(tripwire.connections).toBe(0);
  });
});

describe("private hosts that the operator opened", () => {
  const api = makeApi("api_opened_hosts", ["loopback"]);
  let tripwire: Tripwire;
  let project = 0;

  beforeAll(async () => {
    tripwire = await startTripwire();
    project = await createProject(api());
  });
  afterAll(() => tripwire.close());

  // Without this, the table above would also be green if nothing ever tried to connect.
  it.each([
    ["s3", "s3_endpoint", (port: number) => `http://127.0.0.1:${String(port)}`],
    ["databricks", "host", (port: number) => `https://127.0.0.1:${String(port)}`],
    ["redis", "host", () => "127.0.0.1"],
  ] as const)("are connected to: %s", async (type, name, toValue) => {
    const before = tripwire.connections;
    const fields = OTHER_FIELDS[type]?.(tripwire.port);
    const payload = { project, ...fields, [name]: toValue(tripwire.port) };
    await api().request({ method: "POST", url: `/api/storages/${type}/validate`, payload });
    expect(tripwire.connections).toBeGreaterThan(before);
  });
});

/** Create and validate; the spellings take turns with the directions. */
const PATHS: Readonly<Record<"source" | "target", readonly ((type: string) => string)[]>> = {
  source: [(type) => `${type}/`, (type) => `${type}/validate`],
  target: [(type) => `export/${type}`, (type) => `export/${type}/validate`],
};

/** A host may be wanted by itself, with a port or as a URL. */
function formsOf(spelling: string, port: number): readonly string[] {
  const place = `${spelling}:${String(port)}`;
  return [spelling, place, `http://${place}`, `https://${place}`];
}

async function createProject(api: ReturnType<ReturnType<typeof makeApi>>): Promise<number> {
  const response = await api.request({ method: "POST", url: "/api/projects/", payload: {} });
  return response.json<{ id: number }>().id;
}
