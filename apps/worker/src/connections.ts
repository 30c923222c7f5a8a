import { AppError, isAppError, type Logger, type Secret } from "@bucketbridge/core";
import { decorate, HostPauses, ObjectStore, type CallObserver } from "@bucketbridge/storage";
import {
  listSettingsFields,
  StoreCache,
  throttledHost,
  type ProviderDefinition,
  type ProviderDeps,
  type StorageContext,
  type StorageDirection,
} from "@bucketbridge/storage/providers";
import {
  expandTargetPrefix,
  folderPrefix,
  type SourceConnection,
  type SourceConnections,
  type TargetConnection,
  type TargetConnections,
  type TargetSnapshot,
} from "@bucketbridge/sync";
import { placeOf } from "./place.ts";

/** What opening a store asks of the database. */
export interface Organizations {
  getFacts(organizationId: number): Promise<{
    readonly externalId: string;
    readonly isOnlyOne: boolean;
  }>;
}

/** What connections need. */
export interface ConnectionsDeps {
  /** Loads a provider's code on first use; an unknown name is `unsupported`. */
  readonly loadProvider: (name: string) => Promise<ProviderDefinition>;
  readonly provider: ProviderDeps;
  readonly organizations: Organizations;
  readonly observe?: ((provider: string) => CallObserver) | undefined;
  readonly log: Logger;
}

/** What opening a storage takes of its snapshot. */
interface StorageSnapshot {
  readonly id: number;
  readonly organizationId: number;
  /** Absent: a source. */
  readonly direction?: StorageDirection;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secrets: Secret<Readonly<Record<string, string>>> | undefined;
  readonly prefix: string | null;
  readonly settingsVersion: number;
}

/** An open store without its users. */
type Opened = Omit<SourceConnection, "release"> & { close(): Promise<void> };

/**
 * Stores of sources and targets, opened once per settings version and shared by all jobs of the process.
 */
export class CachedConnections implements SourceConnections {
  readonly #deps: ConnectionsDeps;
  readonly #stores: StoreCache<StorageSnapshot, Opened>;
  /** What a host asks of one job holds for all jobs of the process. */
  readonly #pauses = new HostPauses();

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps;
    this.#stores = new StoreCache((storage) => this.#open(storage), deps.log);
  }

  /** Rejects with `unsupported` for an unknown provider and `invalid_config` for settings that cannot be used. */
  async acquire(source: StorageSnapshot): Promise<SourceConnection> {
    const { opened, release } = await this.#stores.acquire(source);
    const { store, place, toReferences, filterName } = opened;
    return { store, place, toReferences, filterName, release };
  }

  /** What settings name, without opening anything and without their secrets; undefined for those of an unknown provider or that cannot be used. */
  async describe(
    provider: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined> {
    const definition = await this.#deps.loadProvider(provider).catch((error: unknown) => {
      if (isAppError(error, "unsupported")) return undefined;
      throw error;
    });
    if (definition === undefined) return undefined;
    const parsed = definition.settings.safeParse(settings);
    if (parsed.success) return definition.describe(parsed.data);
    return lacksSecretsAlone(definition, parsed.error) ? definition.describe(settings) : undefined;
  }

  /** Closes everything, in use or not, and waits for it. */
  close(): Promise<void> {
    return this.#stores.close();
  }

  async #open(source: StorageSnapshot): Promise<Opened> {
    const deps = this.#deps.provider;
    const definition = await this.#deps.loadProvider(source.provider);
    const settings = parseSettings(definition, source);
    const driver = await definition.open(settings, deps, await this.#contextOf(source));
    const observer = this.#deps.observe?.(source.provider);
    const decorated = decorate(driver, {
      // Deliveries have their own times for the next attempt, and a slot must not wait for a throttled store.
      repeatWrites: false,
      hostPause: { pauses: this.#pauses, host: throttledHost(definition, settings) },
      ...(observer === undefined ? {} : { observer }),
    });
    const place = placeOf(definition.describe(settings), source.prefix);
    const prefix = definition.referencePrefix(settings);
    const toReference = (key: string): string =>
      definition.toReference?.(settings, key, deps.localFiles) ?? key;
    return {
      store: new ObjectStore(decorated, { provider: source.provider, place }),
      place,
      toReferences: (keys) => keys.map((key) => prefix + toReference(key)),
      filterName: (key) => definition.filterName?.(key) ?? key,
      close: () => decorated.close(),
    };
  }

  async #contextOf(storage: StorageSnapshot): Promise<StorageContext> {
    const { id: storageId, organizationId, direction = "source", prefix } = storage;
    const { externalId, isOnlyOne } = await this.#deps.organizations.getFacts(organizationId);
    return {
      organizationId,
      organizationExternalId: externalId,
      isOnlyOrganization: isOnlyOne,
      storageId,
      direction,
      prefix: folderPrefix(prefix),
    };
  }
}

/** The same stores as an export sees them. */
export class CachedTargetConnections implements TargetConnections {
  readonly #connections: CachedConnections;

  constructor(connections: CachedConnections) {
    this.#connections = connections;
  }

  /** Rejects as `CachedConnections.acquire`. */
  acquire({ targetId, ...target }: TargetSnapshot): Promise<TargetConnection> {
    // Sessions are scoped to the folder that is written to, which the prefix may name by the project.
    const prefix = expandTargetPrefix(target);
    return this.#connections.acquire({ id: targetId, direction: "target", ...target, prefix });
  }

  describe(
    provider: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined> {
    return this.#connections.describe(provider, settings);
  }
}

/** Some providers cannot be opened without a secret; what they name does not depend on it. */
function lacksSecretsAlone(
  { settings }: ProviderDefinition,
  { issues }: { readonly issues: readonly { readonly path: readonly PropertyKey[] }[] },
): boolean {
  const fields = listSettingsFields(settings).filter(({ secret }) => secret);
  const names = new Set<unknown>(fields.map(({ name }) => name));
  return issues.every(({ path: [name] }) => names.has(name));
}

function parseSettings(
  definition: ProviderDefinition,
  { provider, settings, secrets }: StorageSnapshot,
): ReturnType<ProviderDefinition["settings"]["parse"]> {
  if (secrets === undefined) {
    throw new AppError({
      code: "invalid_config",
      reason: "secret.unreadable",
      op: "storage.open",
      message: `the secrets of this ${provider} storage cannot be read, because their key is no longer configured: enter them again`,
    });
  }
  const parsed = definition.settings.safeParse({ ...settings, ...secrets.reveal() });
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
  throw new AppError({
    code: "invalid_config",
    reason: "storage.invalid_settings",
    op: "storage.open",
    message: `the saved settings of this ${provider} storage cannot be used: check ${fields} and save them again`,
  });
}
