import type { StorageRecord } from "@bucketbridge/db";
import type { ObjectStore } from "@bucketbridge/storage";
import type { ServiceAddress } from "@bucketbridge/storage/egress";
import type {
  ProviderDefinition,
  ProviderWarning,
  RegionFacts,
  StorageDirection,
} from "@bucketbridge/storage/providers";

/** Settings with their secrets, as the provider's schema takes them. */
export type FullSettings = Readonly<Record<string, unknown>>;

/** For whom and for what a store is opened. */
export interface StoreScope {
  readonly organizationId: number;
  /** Undefined before the storage is saved. */
  readonly storageId: number | undefined;
  readonly direction: StorageDirection;
  readonly prefix: string | null;
}

/** A request as somebody without credentials sends it. */
export interface PlainRequest {
  readonly url: URL;
  readonly method: "GET" | "OPTIONS";
  readonly headers: Readonly<Record<string, string>>;
}

/** What came back, without its body. */
export interface PlainAnswer {
  readonly status: number;
  /** Undefined for one that is missing or came twice. */
  header(name: string): string | undefined;
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
  /** The provider's own check of a connection; rejects with its sentence, else gives what should still be mended. */
  check(
    definition: ProviderDefinition,
    settings: FullSettings,
    scope: StoreScope,
    signal: AbortSignal,
  ): Promise<readonly ProviderWarning[]>;
  /** Whether the hosts that the user named may be reached; nothing is sent to them. Rejects with the refusal. */
  checkHosts(
    definition: ProviderDefinition,
    settings: FullSettings,
    signal: AbortSignal,
  ): Promise<void>;
  /** Whether two names that users gave lead to one server. Rejects with the refusal of the first. */
  isSameServer(one: ServiceAddress, other: ServiceAddress, signal: AbortSignal): Promise<boolean>;
  /**
   * What the references of a saved storage begin with; empty for settings that cannot be used. Needs no secrets: what is missing
   * is not part of a reference.
   */
  referencePrefix(storage: Pick<StorageRecord, "provider" | "settings">): Promise<string>;
  /** Where the bucket was found, after the store has been asked something; undefined for providers without regions. */
  findRegion(definition: ProviderDefinition, settings: FullSettings): RegionFacts | undefined;
  /** Sends a request to a URL that a store has signed. Follows no redirect. Rejects with the refusal of the egress or a network error. */
  ask(request: PlainRequest, signal: AbortSignal): Promise<PlainAnswer>;
  /** Makes no connection yet. */
  open(
    definition: ProviderDefinition,
    settings: FullSettings,
    scope: StoreScope,
  ): Promise<OpenStore>;
}
