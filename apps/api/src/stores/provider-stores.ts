import { AppError } from "@bucketbridge/core";
import { decorate, ObjectStore } from "@bucketbridge/storage";
import {
  isProviderName,
  listSettingsFields,
  loadProvider,
  type ProviderDefinition,
  type ProviderDeps,
} from "@bucketbridge/storage/providers";
import type { CheckOptions, FullSettings, OpenStore, Stores } from "./stores.ts";

/** Somebody waits for the answer: less patience than a worker has. */
const PATIENCE = { attempts: 2, timeoutMs: 15_000 };

/** The stores of all providers. Their SDKs load on first use. */
export function createStores(deps: ProviderDeps): Stores {
  return {
    find: async (type) => (isProviderName(type) ? loadProvider(type) : undefined),
    check: (definition, settings, options) => check(definition, deps, settings, options),
    checkHosts: (definition, settings, signal) =>
      assertHostsAllowed(definition, deps, settings, signal),
    open: (definition, settings) => open(definition, deps, settings),
  };
}

async function check(
  definition: ProviderDefinition,
  deps: ProviderDeps,
  full: FullSettings,
  options: CheckOptions,
): Promise<void> {
  const settings = parse(definition, full);
  const driver = await definition.open(settings, deps);
  try {
    await definition.validate(driver, settings, options);
  } finally {
    await driver.close();
  }
}

async function open(
  definition: ProviderDefinition,
  deps: ProviderDeps,
  full: FullSettings,
): Promise<OpenStore> {
  const settings = parse(definition, full);
  const driver = decorate(await definition.open(settings, deps), PATIENCE);
  const place = definition.describe(settings);
  return {
    store: new ObjectStore(driver, { provider: definition.name, place }),
    filterName: (key) => definition.filterName?.(key) ?? key,
    shownName: (key) => definition.toDisplayKey?.(settings, key) ?? key,
    close: () => driver.close(),
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
