import { randomUUID } from "node:crypto";
import { startDatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import { databricksProvider } from "../providers/databricks/index.ts";
import { calm } from "./case.ts";
import type { DriverHarness, HarnessUnavailable } from "./harness.ts";
import { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";

/** Opens the driver as the processes do, from the fields of the wire. */
export function openDatabricks(
  fields: Record<string, unknown>,
  egress: Egress,
  azure: { readonly authorityHost?: string } = {},
): Promise<StorageDriver> {
  const platform = { egress, aws: {}, gcp: {}, azure };
  return databricksProvider.open(
    databricksProvider.settings.parse(fields),
    makeProviderDeps(egress, { platform }),
    makeStorageContext(),
  );
}

/** How the fake of one suite differs from the usual one. */
export interface DatabricksFakeVariant {
  /** Pages are shorter than asked for, and directories must be made before files. */
  readonly isStrict?: boolean;
}

/** The driver on the fake. */
export async function databricksFakeHarness({
  isStrict = false,
}: DatabricksFakeVariant = {}): Promise<DriverHarness> {
  const owner = "dapi-owner-secret";
  const denied = "dapi-denied-secret";
  const lister = "dapi-lister-secret";
  const writer = "dapi-writer-secret";
  let writes = 0;
  const fake = await startDatabricksFake({
    volumes: ["main/default/suite"],
    tokens: [
      { token: owner },
      { token: denied, allow: [] },
      { token: lister, allow: ["list"] },
      { token: writer, allow: ["write"] },
    ],
    shortPages: isStrict,
    implicitParents: !isStrict,
    // Two writes of one second look the same.
    now: () => 1_700_000_000_123 + ++writes * 1_000,
  });
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const volume = { catalog: "main", schema: "default", volume: "suite" };
  const open = (fields: Record<string, unknown>): Promise<StorageDriver> =>
    openDatabricks({ host: fake.endpoint, ...volume, token: owner, ...fields }, egress);
  return {
    name: "databricks",
    service: "fake",
    secrets: [owner, denied, "wrong-secret"],
    open: () => open({}),
    openMissingBucket: () => open({ volume: "missing" }),
    openDenied: () => open({ token: denied }),
    openLister: () => open({ token: lister }),
    openWriter: () => open({ token: writer }),
    fail: (fault) => {
      const { kind } = fault;
      const trouble =
        kind === "answer" ? ({ ...fault, kind: "error", errorCode: "TROUBLE" } as const) : { kind };
      fake.inject({ ...trouble, on: "list", times: 100 });
      return () => {
        fake.clearFaults();
      };
    },
    openBadCredentials: () => open({ token: "wrong-secret" }),
    seed: (key, body) => {
      fake.putFile(`main/default/suite/${key}`, body);
      return Promise.resolve();
    },
    clear: () => {
      fake.clearVolume("main/default/suite");
      return Promise.resolve();
    },
    openBodies: () => fake.openBodies,
    dispose: async () => {
      await egress.close();
      await fake.close();
    },
  };
}

/** The variables of a real workspace; DATABRICKS_VOLUME is `catalog.schema.volume`. */
const ACCOUNT = ["DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_VOLUME"] as const;

/** The driver on a real volume, when the variables name one. The suite empties the volume, so it must be empty at first. */
export async function databricksAccountHarness(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<DriverHarness | HarnessUnavailable> {
  const unavailable = (reason: string): HarnessUnavailable => {
    return { name: "databricks", service: "account", unavailable: reason };
  };
  const [host = "", token = "", place = ""] = ACCOUNT.map((name) => environment[name]);
  if (host === "" || token === "" || place === "")
    return unavailable(`no workspace: set ${ACCOUNT.join(", ")}`);
  const [catalog, schema, volume] = place.split(".");
  const egress = createEgress({ allow: [], denied: [] });
  const open = (more: Record<string, unknown>): Promise<StorageDriver> =>
    openDatabricks({ host, token, catalog, schema, volume, ...more }, egress);
  const admin = await open({});
  const first = await admin.listPage({ prefix: "", recursive: true, limit: 1 }, calm);
  if (first.keys.length > 0 || first.cursor !== undefined) {
    await egress.close();
    return unavailable(`the volume ${place} is not empty, and the suite would empty it`);
  }
  return {
    name: "databricks",
    service: "account",
    secrets: [token],
    open: () => open({}),
    openMissingBucket: () => open({ volume: `missing_${randomUUID().slice(0, 8)}` }),
    openBadCredentials: () => open({ token: "dapi00000000000000000000000000000000" }),
    seed: async (key, body) => {
      await untilNextSecond();
      await admin.put?.({ key, body }, calm);
    },
    clear: () => emptyVolume(admin),
    dispose: async () => {
      await emptyVolume(admin);
      await admin.close();
      await egress.close();
    },
  };
}

/** A version is told by the second of its writing. */
function untilNextSecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_001 - (Date.now() % 1_000)));
}

async function emptyVolume(driver: StorageDriver): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await driver.listPage({ prefix: "", recursive: true, limit: 1_000, cursor }, calm);
    for (const key of page.keys) await driver.delete?.(key, calm);
    cursor = page.cursor;
  } while (cursor !== undefined);
}
