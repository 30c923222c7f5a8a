import { AppError } from "@bucketbridge/core";
import type { OrganizationRepository } from "@bucketbridge/db";
import { decorate, HostPauses, ObjectStore, type StorageDriver } from "@bucketbridge/storage";
import { isSameServer } from "@bucketbridge/storage/egress";
import {
  isProviderName,
  listSettingsFields,
  loadProvider,
  throttledHost,
  type ProviderDefinition,
  type ProviderDeps,
  type StorageContext,
} from "@bucketbridge/storage/providers";
import { folderPrefix } from "@bucketbridge/sync";
import type {
  FullSettings,
  OpenStore,
  PlainAnswer,
  PlainRequest,
  Stores,
  StoreScope,
} from "./stores.ts";

/** Somebody waits for the answer: less patience than a worker has. */
const PATIENCE = { attempts: 2, timeoutMs: 15_000 };

/** What opening a store needs. */
export interface StoresDeps {
  readonly provider: ProviderDeps;
  readonly organizations: Pick<OrganizationRepository, "getFacts">;
  /** A body that stands still for this long is given up. */
  readonly idleMs: number;
}

/** The stores of all providers. Their SDKs load on first use. */
export function createStores(deps: StoresDeps): Stores {
  const pauses = new HostPauses();
  return {
    find: async (type) => (isProviderName(type) ? loadProvider(type) : undefined),
    async check(definition, full, scope, signal) {
      const settings = parse(definition, full);
      const context = await toContext(deps, scope);
      const driver = await definition.open(settings, deps.provider, context);
      try {
        const { direction } = scope;
        await definition.validate(driver, settings, {
          direction,
          prefix: scope.prefix ?? "",
          signal,
        });
        return (await definition.findWarnings?.(settings, deps.provider, context, signal)) ?? [];
      } finally {
        await driver.close();
      }
    },
    checkHosts: (definition, settings, signal) =>
      assertHostsAllowed(definition, deps.provider, settings, signal),
    isSameServer: (one, other, signal) => isSameServer(deps.provider.egress, one, other, signal),
    async referencePrefix({ provider, settings }) {
      if (!isProviderName(provider)) return "";
      const definition = await loadProvider(provider);
      return definition.referencePrefix(settings);
    },
    findRegion: (definition, full) =>
      definition.findRegion?.(parse(definition, full), deps.provider),
    ask: (request, signal) => ask(deps.provider, request, signal),
    async open(definition, full, scope) {
      const settings = parse(definition, full);
      const context = await toContext(deps, scope);
      const opened = await definition.open(settings, deps.provider, context);
      const hostPause = { pauses, host: throttledHost(definition, settings) };
      const driver = decorate(opened, { ...PATIENCE, idleMs: deps.idleMs, hostPause });
      return toOpenStore(definition, settings, driver);
    },
  };
}

async function ask(
  { egress }: ProviderDeps,
  { url, method, headers }: PlainRequest,
  signal: AbortSignal,
): Promise<PlainAnswer> {
  const path = url.pathname + url.search;
  const sent = { origin: url.origin, path, method, headers: { ...headers }, signal };
  const answer = await egress.dispatcher.request(sent);
  await answer.body.dump();
  return {
    status: answer.statusCode,
    header: (name) => {
      const value = answer.headers[name];
      return typeof value === "string" ? value : undefined;
    },
  };
}

function toOpenStore(
  definition: ProviderDefinition,
  settings: Record<string, unknown>,
  driver: StorageDriver,
): OpenStore {
  const place = definition.describe(settings);
  return {
    store: new ObjectStore(driver, { provider: definition.name, place }),
    filterName: (key) => definition.filterName?.(key) ?? key,
    shownName: (key) => definition.toDisplayKey?.(settings, key) ?? key,
    close: () => driver.close(),
  };
}

async function toContext(
  { organizations }: StoresDeps,
  scope: StoreScope,
): Promise<StorageContext> {
  const { externalId, isOnlyOne } = await organizations.getFacts(scope.organizationId);
  return {
    organizationId: scope.organizationId,
    organizationExternalId: externalId,
    isOnlyOrganization: isOnlyOne,
    storageId: scope.storageId,
    direction: scope.direction,
    prefix: folderPrefix(scope.prefix),
  };
}

/** Hosts that are written as URLs; other forms are looked at by the provider when it connects. */
async function assertHostsAllowed(
  definition: ProviderDefinition,
  { egress }: ProviderDeps,
  settings: FullSettings,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, host } of listSettingsFields(definition.settings)) {
    const value = settings[name];
    if (!host || typeof value !== "string" || !value.includes("://")) continue;
    await egress.assertUrlAllowed(value, signal);
  }
}

/** Saved settings were checked when they were saved; a newer version of the schema may still refuse them. */
function parse(definition: ProviderDefinition, full: FullSettings): Record<string, unknown> {
  const parsed = definition.settings.safeParse(full);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new AppError({
    code: "invalid_config",
    reason: "storage.invalid_settings",
    op: "storage.open",
    message: `the saved settings of this ${definition.title} storage cannot be used (${fields.join("; ")}); save them again`,
  });
}
