import type { DriverTraits, StorageDriver } from "../driver.ts";

/** Families of behaviour that a stand-in for a real store may lack. */
export type ServiceGap =
  | "key.also_folder"
  | "key.backslash"
  | "key.control_character"
  | "key.dot_segment"
  | "key.double_slash"
  | "key.folder_marker"
  | "key.leading_slash"
  | "presign.expiry"
  | "presign.signature"
  | "read.condition";

/**
 * Where a service (an emulator, a fake) differs from the provider that it stands for. `link` names the page or source
 * that says so, or the document of ours that measured it.
 */
export type HarnessOverride =
  | { readonly traits: Partial<DriverTraits>; readonly link: string }
  | { readonly gap: ServiceGap; readonly link: string };

/** What a web client gets for a signed URL. */
export interface FetchedUrl {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** How a store that is in trouble answers; `silent`: never. */
export type HarnessFault =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: "reset" | "silent" };

/** One provider on one service, for the conformance suite. The bucket behind it belongs to the suite alone. */
export interface DriverHarness {
  /** The provider, as in providers/registry.ts. */
  readonly name: string;
  /** What answers: `fake`, `minio`, `folder`, `account` … The pair is what REQUIRE_PROVIDERS names. */
  readonly service: string;
  readonly overrides?: readonly HarnessOverride[];
  /** Secrets that the drivers were opened with: none may appear in an error message. */
  readonly secrets?: readonly string[];
  /** A fresh driver on the same bucket every time. */
  open(): Promise<StorageDriver>;
  /** Writes out of band, so that read-only drivers can be tested too. */
  seed(key: string, body: Uint8Array): Promise<void>;
  /** Empties the bucket. */
  clear(): Promise<void>;
  /** Same credentials, a bucket that does not exist: `not_found`. */
  openMissingBucket?(): Promise<StorageDriver>;
  /** Known credentials that may not read the bucket: `permission_denied`. */
  openDenied?(): Promise<StorageDriver>;
  /** Credentials that the store does not know: `unauthenticated`. */
  openBadCredentials?(): Promise<StorageDriver>;
  /** From now on listings end so, until the function that it returns is called. Stand-ins alone can: real services are well. */
  fail?(fault: HarnessFault): () => void;
  /** Credentials that may list the bucket and do nothing else. */
  openLister?(): Promise<StorageDriver>;
  /** Credentials that may write objects and do nothing else. */
  openWriter?(): Promise<StorageDriver>;
  /** Fetches a signed URL without credentials. Default: the global `fetch`. */
  fetch?(url: URL, method: "GET" | "HEAD"): Promise<FetchedUrl>;
  /** Bodies, sockets or file descriptors in use for reads now. With it, the suite proves that they are released. */
  openBodies?(): number | Promise<number>;
  dispose(): Promise<void>;
}

/** Instead of a harness: the service cannot be had here. The suite is skipped with this reason, and reported so. */
export interface HarnessUnavailable {
  readonly name: string;
  readonly service: string;
  readonly unavailable: string;
}
