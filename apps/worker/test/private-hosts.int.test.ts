import {
  listSettingsFields,
  loadProvider,
  PROVIDER_NAMES,
  splitSecrets,
} from "@bucketbridge/storage/providers";
import {
  INNER_SPELLINGS,
  LOOPBACK_SPELLINGS,
  startTripwire,
  type Tripwire,
} from "@bucketbridge/testkit/private-hosts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useWorld } from "./harness.ts";

const getWorld = useWorld("worker_private_hosts");

/** Some 60 runs per field through a real queue and database. */
const LONG_MS = 180_000;

/** The resolver is the system's here, so names that a zone on the internet would answer are left to the API's test. */
const SPELLINGS = [...LOOPBACK_SPELLINGS, ...INNER_SPELLINGS].filter(
  (spelling) => !/\.(io|example|internal)$|^METADATA$/.test(spelling),
);

/** What a storage of each type needs beside the host. A type whose host field takes no address (azure: an account) needs no line. */
const OTHER_FIELDS: Readonly<Record<string, (port: number) => Record<string, unknown>>> = {
  s3: () => ({
    ...{ bucket: "cats", aws_access_key_id: "AKIAEXAMPLE", aws_secret_access_key: "secret" },
  }),
  s3s: () => ({ bucket: "cats", role_arn: "arn:aws:iam::123456789012:role/reader" }),
  redis: (port) => ({ port: String(port), db: 1, password: "secret" }),
  databricks: () => ({ catalog: "main", schema: "default", volume: "pets", token: "dapi" }),
};

interface HostField {
  readonly type: string;
  readonly name: string;
}

/** Fields that take a private address as a host: what is written there is dialled. A new type is in by itself. */
async function listAddressFields(): Promise<readonly HostField[]> {
  const found: HostField[] = [];
  for (const type of PROVIDER_NAMES) {
    const { settings } = await loadProvider(type);
    for (const { name, host, kind } of listSettingsFields(settings)) {
      const field = { type, name };
      if (host && kind === "text" && (await formsOf(field, "127.0.0.1", 1)).length > 0)
        found.push(field);
    }
  }
  return found;
}

/** The ways to write the host that the type's schema takes in this field. */
async function formsOf(field: HostField, spelling: string, port: number): Promise<string[]> {
  const { settings } = await loadProvider(field.type);
  const place = `${spelling}:${String(port)}`;
  return [`http://${place}`, `https://${place}`, spelling].filter((value) => {
    const parsed = settings.safeParse({
      ...OTHER_FIELDS[field.type]?.(port),
      [field.name]: value,
    });
    return !(parsed.error?.issues ?? []).some(({ path }) => path[0] === field.name);
  });
}

const ADDRESS_FIELDS = await listAddressFields();

describe("a storage that was saved with a private host", () => {
  let tripwire: Tripwire;

  beforeAll(async () => {
    tripwire = await startTripwire();
  });
  afterAll(() => tripwire.close());

  /** Runs a sync of a storage with each value, all at once; what each run ended with. */
  async function syncAll(
    { type, name }: HostField,
    values: readonly string[],
    egressAllow: readonly string[],
  ): Promise<(string | null)[]> {
    const world = getWorld();
    await world.startWorker({ egressAllow, engine: { outageMs: 1 } });
    const definition = await loadProvider(type);
    const runs: number[] = [];
    for (const value of values) {
      const fields = { ...OTHER_FIELDS[type]?.(tripwire.port), [name]: value };
      const storageId = await world.addSource({
        provider: type,
        ...splitSecrets(definition, fields),
      });
      runs.push((await world.request(storageId)).runId);
    }
    const reasons: (string | null)[] = [];
    for (const runId of runs) {
      const run = await world.waitForEnd(runId, { timeoutMs: LONG_MS });
      expect(run).toMatchObject({ state: "failed", listed: 0 });
      reasons.push(run.errorReason);
    }
    return reasons;
  }

  it("is of a type that the table knows", () => {
    for (const { type, name } of ADDRESS_FIELDS)
      expect(Object.keys(OTHER_FIELDS), `${type}.${name}`).toContain(type);
    expect(ADDRESS_FIELDS.map(({ type, name }) => `${type}.${name}`)).toEqual(
      expect.arrayContaining(["s3.s3_endpoint", "redis.host", "databricks.host"]),
    );
  });

  it.each(ADDRESS_FIELDS)(
    "is not connected to by a sync: $type, field $name",
    { timeout: LONG_MS },
    async (field) => {
      const values: string[] = [];
      for (const [index, spelling] of SPELLINGS.entries()) {
        const forms = await formsOf(field, spelling, tripwire.port);
        const form = forms[index % Math.max(1, forms.length)];
        if (form !== undefined) values.push(form);
      }
      expect(values.length).toBeGreaterThan(20);
      const reasons = await syncAll(field, values, []);
      expect(reasons).toContain("egress.private_address");
      expect(tripwire.connections).toBe(0);
    },
  );

  // Without this, the table above would also be green if no run ever tried to connect.
  it.each(ADDRESS_FIELDS.filter(({ type }) => type !== "s3s"))(
    "is connected to when the operator opened it: $type, field $name",
    { timeout: LONG_MS },
    async (field) => {
      const before = tripwire.connections;
      const [form = ""] = await formsOf(field, "127.0.0.1", tripwire.port);
      await syncAll(field, [form], ["loopback"]);
      expect(tripwire.connections).toBeGreaterThan(before);
    },
  );
});
