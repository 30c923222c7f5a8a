import type { MediaSource } from "@bucketbridge/db";
import { folderPrefix, ReferenceSources, type ReferenceSource } from "@bucketbridge/sync";
import type { Stores } from "../stores/stores.ts";

/** Reads what the references of a source begin with; the same settings are looked at once. */
export class ProjectReferences {
  readonly #stores: Pick<Stores, "referencePrefix">;
  /** By storage id, least recently used first. */
  readonly #known = new Map<number, { readonly version: number; readonly prefix: string }>();

  constructor(stores: Pick<Stores, "referencePrefix">) {
    this.#stores = stores;
  }

  /** The sources among `storages` whose objects are named by references: all but Redis and local files. */
  async of(storages: readonly MediaSource[]): Promise<ReferenceSources> {
    const sources: ReferenceSource[] = [];
    for (const storage of storages) {
      const referencePrefix = await this.#prefixOf(storage);
      if (!referencePrefix.includes("://")) continue;
      sources.push({
        storageId: storage.id,
        referencePrefix,
        prefix: folderPrefix(storage.prefix),
        isPrefixBoundary: storage.restrictToPrefix,
      });
    }
    return new ReferenceSources(sources);
  }

  async #prefixOf(storage: MediaSource): Promise<string> {
    const { id, settingsVersion: version } = storage;
    const known = this.#known.get(id);
    this.#known.delete(id);
    const prefix =
      known?.version === version ? known.prefix : await this.#stores.referencePrefix(storage);
    this.#known.set(id, { version, prefix });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    return prefix;
  }
}

/** Short texts: some megabytes at most. */
const MAX_KNOWN = 10_000;
