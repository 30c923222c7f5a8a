import { AppError, type Logger, type Secret } from "@bucketbridge/core";
import type { MediaSource } from "@bucketbridge/db";
import { StoreCache, type HeldStore } from "@bucketbridge/storage/providers";
import type { OpenStore, Stores } from "./stores.ts";

/** Stores of saved storages, kept open between requests. */
export interface SharedStores {
  /** Rejects as opening does. The holder releases it. */
  hold(storage: MediaSource): Promise<HeldStore<OpenStore>>;
  close(): Promise<void>;
}

/** What shared stores are opened with. */
interface SharedStoresDeps {
  readonly stores: Stores;
  readonly openSecrets: (storage: MediaSource) => Secret<Readonly<Record<string, string>>>;
  readonly log: Logger;
}

/** One open store per storage and settings version. */
export function createSharedStores({ stores, openSecrets, log }: SharedStoresDeps): SharedStores {
  const cache = new StoreCache(async (storage: MediaSource) => {
    const { id: storageId, organizationId, direction, prefix, provider } = storage;
    const definition = await stores.find(provider);
    if (definition === undefined) {
      const message = `there is no storage type "${provider}"`;
      throw new AppError({ code: "unsupported", message });
    }
    const settings = { ...storage.settings, ...openSecrets(storage).reveal() };
    return stores.open(definition, settings, { organizationId, storageId, direction, prefix });
  }, log);
  return { hold: (storage) => cache.acquire(storage), close: () => cache.close() };
}
