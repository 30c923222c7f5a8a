import { AppError, type Logger, type Secret } from "@bucketbridge/core";
import { decorate, ObjectStore, type CallObserver } from "@bucketbridge/storage";
import type {
  ProviderDefinition,
  ProviderDeps,
  StorageContext,
  StorageDirection,
} from "@bucketbridge/storage/providers";
import {
  folderPrefix,
  type SourceConnection,
  type SourceConnections,
  type TargetConnection,
  type TargetConnections,
  type TargetSnapshot,
} from "@bucketbridge/sync";
import { placeOf } from "./place.ts";

/** Open stores that nobody uses: sockets and SDK clients of sources that had work lately. */
const MAX_IDLE = 32;

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

interface Entry {
  readonly settingsVersion: number;
  readonly opened: Promise<Opened>;
  users: number;
  /** Closed by its last user: the settings have changed, or opening failed. */
  isStale: boolean;
}

/**
 * Stores of sources and targets, opened once per settings version and shared by all jobs of the process. A change of the settings
 * opens anew; the old store is closed by its last user. Stores that nobody uses stay open, the least recently used ones
 * are closed when they become many.
 */
export class CachedConnections implements SourceConnections {
  readonly #deps: ConnectionsDeps;
  /** By storage id, least recently used first. */
  readonly #entries = new Map<number, Entry>();
  readonly #closing = new Set<Promise<void>>();

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps;
  }

  /** Rejects with `unsupported` for an unknown provider and `invalid_config` for settings that cannot be used. */
  async acquire(source: StorageSnapshot): Promise<SourceConnection> {
    const entry = this.#entryOf(source);
    entry.users++;
    let opened: Opened;
    try {
      opened = await entry.opened;
    } catch (error) {
      this.#drop(source.id, entry);
      this.#release(entry);
      throw error;
    }
    let isHeld = true;
    const { store, place, toReferences, filterName } = opened;
    return {
      store,
      place,
      toReferences,
      filterName,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#release(entry);
      },
    };
  }

  /** Closes everything, in use or not, and waits for it. */
  async close(): Promise<void> {
    for (const [id, entry] of this.#entries) {
      this.#drop(id, entry);
      this.#close(entry);
    }
    await Promise.all(this.#closing);
  }

  #entryOf(source: StorageSnapshot): Entry {
    const known = this.#entries.get(source.id);
    if (known !== undefined) {
      this.#entries.delete(source.id);
      if (known.settingsVersion === source.settingsVersion) {
        this.#entries.set(source.id, known);
        return known;
      }
      known.isStale = true;
      if (known.users === 0) this.#close(known);
    }
    const { settingsVersion } = source;
    const entry: Entry = { settingsVersion, opened: this.#open(source), users: 0, isStale: false };
    this.#entries.set(source.id, entry);
    return entry;
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

  #release(entry: Entry): void {
    entry.users--;
    if (entry.users > 0) return;
    if (entry.isStale) this.#close(entry);
    else this.#closeIdle();
  }

  #closeIdle(): void {
    const idle = [...this.#entries].filter(([, entry]) => entry.users === 0);
    for (const [id, entry] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE))) {
      this.#drop(id, entry);
      this.#close(entry);
    }
  }

  #drop(id: number, entry: Entry): void {
    entry.isStale = true;
    if (this.#entries.get(id) === entry) this.#entries.delete(id);
  }

  #close(entry: Entry): void {
    const closing = entry.opened
      .then((opened) => opened.close())
      .catch((error: unknown) => {
        this.#deps.log.debug({ error }, "storage.close.failed");
      })
      .finally(() => {
        this.#closing.delete(closing);
      });
    this.#closing.add(closing);
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
    return this.#connections.acquire({ id: targetId, direction: "target", ...target });
  }
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
