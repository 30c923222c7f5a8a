import { Secret, silentLogger } from "@bucketbridge/core";
import type { Egress } from "@bucketbridge/storage/egress";
import { makeProviderDeps } from "@bucketbridge/storage/testing";
import { MemoryDriver } from "@bucketbridge/storage/memory";
import { defineProvider, loadProvider } from "@bucketbridge/storage/providers";
import type { SourceSnapshot, TargetSnapshot } from "@bucketbridge/sync";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { CachedConnections, CachedTargetConnections } from "./connections.ts";

/** Drivers by the bucket and the secret that they were opened with. */
const opened: { bucket: string; token: string }[] = [];
const closed: string[] = [];
/** Folders that sessions would be scoped to. */
const scopes: string[] = [];

const memory = defineProvider({
  name: "memory",
  title: "Memory",
  settings: z.object({ bucket: z.string(), token: z.string().meta({ secret: true }) }),
  form: [],
  referencePrefix: ({ bucket }) => `memory://${bucket}/`,
  toReference: (_settings, key) => encodeURI(key),
  describe: ({ bucket }) => `memory://${bucket}`,
  open: ({ bucket, token }, _deps, { prefix }) => {
    opened.push({ bucket, token });
    scopes.push(prefix);
    const driver = new MemoryDriver();
    const close = driver.close.bind(driver);
    driver.close = () => {
      closed.push(bucket);
      return close();
    };
    return Promise.resolve(driver);
  },
  validate: () => Promise.resolve(),
});

function aSource(over: Partial<SourceSnapshot> = {}): SourceSnapshot {
  return {
    id: 1,
    organizationId: 1,
    projectId: 1,
    provider: "memory",
    settings: { bucket: "cats" },
    secrets: new Secret({ token: "hunter2" }),
    title: null,
    prefix: "img/",
    regexFilter: null,
    useBlobUrls: true,
    recursiveScan: true,
    settingsVersion: 1,
    locationVersion: 1,
    dataKey: "$undefined$",
    ...over,
  };
}

describe("CachedConnections", () => {
  let connections: CachedConnections;

  beforeEach(() => {
    opened.length = 0;
    closed.length = 0;
    scopes.length = 0;
    connections = new CachedConnections({
      loadProvider: () => Promise.resolve(memory),
      provider: makeProviderDeps({} as Egress),
      organizations: { getFacts: () => Promise.resolve({ externalId: "org", isOnlyOne: true }) },
      log: silentLogger,
    });
  });

  it("opens a source once for all of its users and keeps it open", async () => {
    const [first, second] = await Promise.all([
      connections.acquire(aSource()),
      connections.acquire(aSource()),
    ]);
    expect(first.store).toBe(second.store);
    expect(opened).toEqual([{ bucket: "cats", token: "hunter2" }]);
    first.release();
    second.release();
    await connections.acquire(aSource());
    expect(opened).toHaveLength(1);
    expect(closed).toEqual([]);
  });

  it("names a place by settings without secrets, also where the provider cannot do without them", async () => {
    expect(await connections.describe("memory", { bucket: "cats" })).toBe("memory://cats");
    expect(await connections.describe("memory", {})).toBeUndefined();
    const real = new CachedConnections({
      loadProvider,
      provider: makeProviderDeps({} as Egress),
      organizations: { getFacts: () => Promise.resolve({ externalId: "org", isOnlyOne: true }) },
      log: silentLogger,
    });
    const host = "https://adb-1.azuredatabricks.net";
    const volume = { host, catalog: "c", schema: "s", volume: "v" };
    const app = { auth_type: "azure_ad_sp", client_id: "app", tenant_id: "tenant" };
    expect(await real.describe("databricks", volume)).toBe("dbx://Volumes/c/s/v");
    expect(await real.describe("databricks", { ...volume, ...app })).toBe("dbx://Volumes/c/s/v");
    expect(await real.describe("databricks", { ...volume, volume: "" })).toBeUndefined();
    expect(await real.describe("a type of a newer version", volume)).toBeUndefined();
  });

  it("gives references, names and the place of the source", async () => {
    const connection = await connections.acquire(aSource());
    expect(connection.toReferences(["a b.jpg"])).toEqual(["memory://cats/a%20b.jpg"]);
    expect(connection.filterName("img/a.jpg")).toBe("img/a.jpg");
    expect(connection.place).toBe("memory://cats/img");
  });

  it("opens a target for the folder that its prefix means for the project", async () => {
    const targets = new CachedTargetConnections(connections);
    const { id: targetId, ...rest } = aSource({ projectId: 7, prefix: "out/${project_id}" });
    const target = {
      ...{ ...rest, targetId, subject: "annotation", keyTemplate: null, jsonExtension: false },
      ...{ canDeleteObjects: false, isRetired: false },
    } satisfies TargetSnapshot;
    const connection = await targets.acquire(target);
    expect(scopes).toEqual(["out/7/"]);
    expect(connection.place).toBe("memory://cats/out/7");
  });

  it("opens anew after a change, and closes the old store after its last user", async () => {
    const old = await connections.acquire(aSource());
    const changed = aSource({ settingsVersion: 2, settings: { bucket: "dogs" } });
    const renewed = await connections.acquire(changed);
    expect(renewed.store).not.toBe(old.store);
    expect(closed).toEqual([]);
    old.release();
    old.release();
    await expect.poll(() => closed).toEqual(["cats"]);
    renewed.release();
    expect(closed).toEqual(["cats"]);
  });

  it("closes what was idle longest when too much is open", async () => {
    for (let id = 1; id <= 33; id++) {
      const source = aSource({ id, settings: { bucket: `b${String(id)}` } });
      (await connections.acquire(source)).release();
    }
    await expect.poll(() => closed).toEqual(["b1"]);
    await connections.close();
    expect(closed).toHaveLength(33);
  });

  it("refuses settings that the provider's schema does not take, without their values", async () => {
    const broken = aSource({ settings: { bucket: 7 } });
    await expect(connections.acquire(broken)).rejects.toMatchObject({
      code: "invalid_config",
      message: expect.stringContaining("bucket") as string,
    });
    // The failure is not remembered.
    await connections.acquire(aSource());
    expect(opened).toHaveLength(1);
  });

  it("refuses secrets that cannot be read", async () => {
    const acquired = connections.acquire(aSource({ secrets: undefined }));
    await expect(acquired).rejects.toMatchObject({ reason: "secret.unreadable" });
  });
});
