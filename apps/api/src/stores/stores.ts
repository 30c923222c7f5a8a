import type { ObjectStore } from "@bucketbridge/storage";
import type { ProviderDefinition, StorageDirection } from "@bucketbridge/storage/providers";

/** How a connection is checked. */
export interface CheckOptions {
  readonly direction: StorageDirection;
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/** The stores that users connect, opened for one request at a time. */
export interface Stores {
  /** Undefined for a type that is not available. */
  find(type: string): Promise<ProviderDefinition | undefined>;
  /** The provider's own check of a connection; rejects with its sentence. */
  check(
    definition: ProviderDefinition,
    settings: Readonly<Record<string, unknown>>,
    options: CheckOptions,
  ): Promise<void>;
  /** Opens a store, gives it to `use` and closes it. */
  withStore<T>(
    definition: ProviderDefinition,
    settings: Readonly<Record<string, unknown>>,
    use: (store: ObjectStore) => Promise<T>,
  ): Promise<T>;
}
