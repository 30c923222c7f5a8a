import type { ObjectStore } from "@bucketbridge/storage";
import type { ProviderDefinition, StorageDirection } from "@bucketbridge/storage/providers";

/** Settings with their secrets, as the provider's schema takes them. */
export type FullSettings = Readonly<Record<string, unknown>>;

/** How a connection is checked. */
export interface CheckOptions {
  readonly direction: StorageDirection;
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/** A store that is open for one request. Whoever opened it closes it. */
export interface OpenStore {
  readonly store: ObjectStore;
  /** What the user's filter looks at. */
  readonly filterName: (key: string) => string;
  /** A key as people and the contract see it. */
  readonly shownName: (key: string) => string;
  close(): Promise<void>;
}

/** The stores that users connect. */
export interface Stores {
  /** Undefined for a type that is not available. */
  find(type: string): Promise<ProviderDefinition | undefined>;
  /** The provider's own check of a connection; rejects with its sentence. */
  check(
    definition: ProviderDefinition,
    settings: FullSettings,
    options: CheckOptions,
  ): Promise<void>;
  /** Whether the hosts that the user named may be reached; nothing is sent to them. Rejects with the refusal. */
  checkHosts(
    definition: ProviderDefinition,
    settings: FullSettings,
    signal: AbortSignal,
  ): Promise<void>;
  /** Makes no connection yet. */
  open(definition: ProviderDefinition, settings: FullSettings): Promise<OpenStore>;
}
