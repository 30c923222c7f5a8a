import { AppError } from "@bucketbridge/core";
import { ObjectStore } from "@bucketbridge/storage";
import {
  isProviderName,
  loadProvider,
  type ProviderDefinition,
  type ProviderDeps,
} from "@bucketbridge/storage/providers";
import type { CheckOptions, FullSettings, OpenStore, Stores } from "./stores.ts";

/** The stores of all providers. Their SDKs load on first use. */
export function createStores(deps: ProviderDeps): Stores {
  return {
    find: async (type) => (isProviderName(type) ? loadProvider(type) : undefined),
    check: (definition, settings, options) => check(definition, deps, settings, options),
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
  const driver = await definition.open(settings, deps);
  const place = definition.describe(settings);
  return {
    store: new ObjectStore(driver, { provider: definition.name, place }),
    filterName: (key) => definition.filterName?.(key) ?? key,
    shownName: (key) => definition.toDisplayKey?.(settings, key) ?? key,
    close: () => driver.close(),
  };
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
