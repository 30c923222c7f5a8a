import type { Secret } from "@bucketbridge/core";
import type { SecretFields } from "../secrets/key-ring.ts";

// What the import engine hands in and gets back. Its ports (packages/sync/src/import/ports.ts) have the same shapes; the two
// packages lie on one layer, so neither imports the other, and a type test in apps/worker proves that they fit.

/** A run within its organisation. */
export interface RunKey {
  readonly organizationId: number;
  readonly runId: number;
}

/** Kinds of runs that import. */
export type ImportKind = "sync" | "dry_run" | "retry";

/** States of a run (design §6). */
export type RunStateValue =
  "waiting" | "queued" | "running" | "completed" | "completed_with_errors" | "failed" | "canceled";

/** A source as one settings version saw it. */
export interface SourceRecord {
  readonly id: number;
  readonly organizationId: number;
  readonly projectId: number;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Undefined when they cannot be read; whoever opens the source reports it. */
  readonly secrets: Secret<SecretFields> | undefined;
  readonly title: string | null;
  readonly prefix: string | null;
  readonly regexFilter: string | null;
  readonly useBlobUrls: boolean;
  readonly recursiveScan: boolean;
  readonly settingsVersion: number;
  readonly locationVersion: number;
  readonly dataKey: string;
}

/** A leased scan unit; its writes carry `epoch`. */
export interface UnitLeaseRecord extends RunKey {
  readonly number: number;
  readonly epoch: number;
  readonly kind: "range" | "directory";
  readonly cursor: string | null;
  readonly lastKey: string | null;
  readonly after: string | null;
  readonly until: string | null;
  readonly runKind: ImportKind;
  readonly source: SourceRecord;
}

/** A key that cannot become an object. */
export interface RefusedKeyRecord {
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

/** A listing page after the filter; columns of equal length, keys ascending by UTF-8 bytes and unique. */
export interface ScanPageRecord {
  readonly keys: readonly string[];
  readonly sizes: readonly number[];
  readonly etags: readonly (string | null)[];
  readonly modified: readonly (number | null)[];
  readonly failures: readonly (Omit<RefusedKeyRecord, "key"> | null)[];
  readonly refused: readonly RefusedKeyRecord[];
  readonly cursor: string | null;
  readonly endOfUnit: boolean;
  readonly skipped: number;
  readonly lastKey: string | null;
  readonly ordered: boolean;
}

/** What a committed page did. */
export interface PageOutcomeRecord {
  readonly created: number;
  readonly known: number;
  readonly rearmed: number;
  readonly cancel: boolean;
}

/** An object claimed for loading; its writes carry `epoch`. */
export interface ClaimedObjectRecord {
  readonly id: number;
  readonly key: string;
  readonly etag: string | null;
  readonly version: string | null;
  readonly size: number;
  readonly epoch: number;
  readonly attempts: number;
  readonly rowsLoaded: number;
  readonly byteOffset: number | null;
}

/** An annotation that came inside a task document. */
export interface EmbeddedAnnotationRecord {
  readonly resultJson: string;
  readonly wasCancelled: boolean;
  readonly groundTruth: boolean;
  readonly leadTime: number | null;
  readonly completedBy: number | string | null;
  readonly importId: number | null;
}

/** A prediction that came inside a task document. */
export interface EmbeddedPredictionRecord {
  readonly resultJson: string;
  readonly score: number | null;
  readonly modelVersion: string | null;
}

/** A task to be made: its documents as JSON texts that PostgreSQL takes. */
export interface TaskDocument {
  readonly data: string;
  readonly meta: string | null;
  readonly allowSkip: boolean;
  /** The id that a platform gave it, unique in the project; absent for what storages bring. */
  readonly externalId?: string | undefined;
  /** The uploaded file that it came with; absent for all others. */
  readonly uploadId?: number | undefined;
  readonly annotations: readonly EmbeddedAnnotationRecord[];
  readonly predictions: readonly EmbeddedPredictionRecord[];
}

/** A good row of a task file. */
export interface LoadRowRecord extends TaskDocument {
  readonly rowIndex: number;
}

/** A bad row of a task file. */
export interface BadRowRecord {
  readonly rowIndex: number;
  readonly byteOffset: number | null;
  readonly code: string;
  readonly message: string;
}

/** Rows of one object and the checkpoint behind them. */
export interface LoadBatchRecord {
  readonly object: ClaimedObjectRecord;
  readonly rows: readonly LoadRowRecord[];
  readonly badRows: readonly BadRowRecord[];
  readonly rowsRead: number;
  readonly byteOffset: number | null;
  readonly finished: boolean;
  readonly etag: string | null;
  readonly replace: boolean;
  readonly slot: number;
}

/** Why an object could not be loaded. */
export interface LoadFailureRecord {
  readonly code: string;
  readonly message: string;
  readonly byteOffset: number | null;
  readonly retryAfterSeconds: number | null;
  readonly etag: string | null;
  readonly content: boolean;
}
