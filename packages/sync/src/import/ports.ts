import type { ErrorCode, Secret } from "@bucketbridge/core";
import type { ObjectStore } from "@bucketbridge/storage";

/** Kinds of runs that the import engine works on (design §2). */
export type ImportRunKind = "sync" | "dry_run" | "retry";

/** States of a run (design §6). */
export type RunStateName =
  "waiting" | "queued" | "running" | "completed" | "completed_with_errors" | "failed" | "canceled";

/** A run within its organisation; every call on the database is made in that organisation's scope. */
export interface RunRef {
  readonly organizationId: number;
  readonly runId: number;
}

/** A source as one settings version saw it: secrets and the place they belong to in one snapshot. */
export interface SourceSnapshot {
  readonly id: number;
  readonly organizationId: number;
  readonly projectId: number;
  readonly provider: string;
  /** Provider fields by their wire names, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * Decrypted. Undefined when they cannot be read (the key is lost): opening the source then fails with
   * `invalid_config` / `secret.unreadable`, and reading the run does not.
   */
  readonly secrets: Secret<Readonly<Record<string, string>>> | undefined;
  readonly title: string | null;
  readonly prefix: string | null;
  readonly regexFilter: string | null;
  /** True: files method. False: tasks method. */
  readonly useBlobUrls: boolean;
  readonly recursiveScan: boolean;
  readonly settingsVersion: number;
  readonly locationVersion: number;
  /** What the `$undefined$` key stands for is decided on read, so the files method stores `$undefined$`. */
  readonly dataKey: string;
}

/** A run as it stands now. */
export interface RunSnapshot extends RunRef {
  readonly kind: ImportRunKind;
  readonly number: number;
  readonly state: RunStateName;
  readonly cancelRequested: boolean;
  readonly settingsVersion: number;
  readonly source: SourceSnapshot;
}

/** A leased scan unit. Every write that depends on it carries `epoch`; a write under a lost lease does nothing. */
export interface UnitLease extends RunRef {
  readonly number: number;
  readonly epoch: number;
  readonly kind: "range" | "directory";
  /** Opaque token of the next page; null at the start. */
  readonly cursor: string | null;
  /** Last key of the last committed page: where `listAfter` resumes when the cursor has expired. */
  readonly lastKey: string | null;
  readonly after: string | null;
  readonly until: string | null;
  readonly runKind: ImportRunKind;
  readonly source: SourceSnapshot;
}

/** A key that cannot become an object: its issue is written with the page. `key` is cut to what the table takes. */
export interface RefusedKey {
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

/** A listing page after the filter: columns of equal length, keys ascending by UTF-8 bytes and unique. */
export interface ScanPage {
  readonly keys: readonly string[];
  readonly sizes: readonly number[];
  /** null where the store gave none. */
  readonly etags: readonly (string | null)[];
  /** Milliseconds since the epoch, null where the store gave none. */
  readonly modified: readonly (number | null)[];
  /** null when the object may be loaded, else why it fails by the listing alone (tasks method). */
  readonly failures: readonly (Omit<RefusedKey, "key"> | null)[];
  readonly refused: readonly RefusedKey[];
  readonly cursor: string | null;
  readonly endOfUnit: boolean;
  /** Keys that the filter dropped. */
  readonly skipped: number;
  /** Last key of the listing page before the filter; null for an empty page. */
  readonly lastKey: string | null;
  /** True when the pages of this listing ascend: then the cheap no-op statement may be tried. */
  readonly ordered: boolean;
}

/** What a committed page did. `cancel`: somebody asked the run to stop; release and finish. */
export interface PageOutcome {
  readonly created: number;
  readonly known: number;
  readonly rearmed: number;
  readonly cancel: boolean;
}

/** Counts of a dry-run page, and the first keys of each reason. */
export interface DryRunPage {
  readonly page: ScanPage;
  /** Keys that the filter dropped (as many as the page had; the store keeps the first `DRY_RUN_SAMPLE` in all). */
  readonly filteredKeys: readonly string[];
}

/** Scan units, pages and their leases. `undefined` from a write: the lease is lost or the settings changed; stop. */
export interface ScanStore {
  takeUnit(run: RunRef, owner: string): Promise<UnitLease | undefined>;
  renewUnit(lease: UnitLease): Promise<{ readonly cancel: boolean } | undefined>;
  /** Gives the unit back at once. A lost lease is no error. */
  releaseUnit(lease: UnitLease): Promise<void>;
  /** Files method: one task per unknown key. The whole effect of the page with its cursor, or nothing. */
  insertFilesPage(
    lease: UnitLease,
    page: ScanPage,
    reference: ReferenceColumns,
  ): Promise<PageOutcome | undefined>;
  /** Tasks method: unknown keys become pending objects, failed and emptied ones are re-armed. */
  insertTasksPage(lease: UnitLease, page: ScanPage): Promise<PageOutcome | undefined>;
  recordDryRunPage(lease: UnitLease, dryRun: DryRunPage): Promise<PageOutcome | undefined>;
  /** Starts the unit afresh (its cursor has expired and the store cannot list after a key). */
  restartUnit(lease: UnitLease): Promise<void>;
}

/** Files method: the reference of each key of the page, same length as its keys. */
export interface ReferenceColumns {
  readonly references: readonly string[];
}

/** An object claimed for loading. */
export interface ClaimedObject {
  readonly id: number;
  readonly key: string;
  readonly etag: string | null;
  readonly version: string | null;
  readonly size: number;
  readonly epoch: number;
  readonly attempts: number;
  /** Rows (bad ones included) of the version in `etag` that are already in the database. */
  readonly rowsLoaded: number;
  readonly byteOffset: number | null;
}

/** One annotation or prediction that came inside a task document, validated. */
export interface EmbeddedAnnotation {
  /** A JSON list as text that PostgreSQL takes: integers beyond 2^53 keep their digits, and a worker thread can hand it over. */
  readonly resultJson: string;
  readonly wasCancelled: boolean;
  readonly groundTruth: boolean;
  readonly leadTime: number | null;
  /** A user id or an e-mail address of the document; mapped to a member or to the project's creator. */
  readonly completedBy: number | string | null;
  readonly importId: number | null;
}

/** One prediction that came inside a task document, validated. */
export interface EmbeddedPrediction {
  /** A JSON list as text that PostgreSQL takes. */
  readonly resultJson: string;
  readonly score: number | null;
  readonly modelVersion: string | null;
}

/** One good row of a task file. `data` is a JSON document that PostgreSQL takes (no U+0000, no lone surrogates). */
export interface LoadRow {
  readonly rowIndex: number;
  readonly data: string;
  readonly meta: string | null;
  readonly allowSkip: boolean;
  readonly annotations: readonly EmbeddedAnnotation[];
  readonly predictions: readonly EmbeddedPrediction[];
}

/** One bad row of a task file. */
export interface BadRow {
  readonly rowIndex: number;
  readonly byteOffset: number | null;
  readonly code: string;
  readonly message: string;
}

/** Rows of one object and the checkpoint behind them. */
export interface LoadBatch {
  readonly object: ClaimedObject;
  readonly rows: readonly LoadRow[];
  readonly badRows: readonly BadRow[];
  /** Rows read so far, bad ones included. */
  readonly rowsRead: number;
  /** Where reading continues; null where the format cannot. */
  readonly byteOffset: number | null;
  readonly finished: boolean;
  readonly etag: string | null;
  /** First batch of a changed version of a half-read object: its tasks that nobody touched are replaced. */
  readonly replace: boolean;
  readonly slot: number;
}

/** Why an object could not be loaded. */
export interface LoadFailure {
  readonly code: ErrorCode | (string & {});
  readonly message: string;
  /** The offending byte where it is known. */
  readonly byteOffset: number | null;
  /** Seconds to the next attempt of this run, or null to give up (one open issue). */
  readonly retryAfterSeconds: number | null;
  readonly etag: string | null;
  /** The failure lies in the content: not read again before the object changes. */
  readonly content: boolean;
}

/** Objects that wait to be loaded, and their leases. */
export interface LoadStore {
  claim(
    run: RunRef,
    owner: string,
    limits: { readonly objects: number; readonly bytes: number },
  ): Promise<readonly ClaimedObject[]>;
  /** The ids that are still held. */
  renew(run: RunRef, objects: readonly ClaimedObject[]): Promise<ReadonlySet<number>>;
  /** Gives claimed objects back at once; the claim does not count. Objects that are no longer held are left alone. */
  release(run: RunRef, objects: readonly ClaimedObject[]): Promise<void>;
  saveBatch(
    run: RunRef,
    batch: LoadBatch,
  ): Promise<
    { readonly inserted: number; readonly state: "pending" | "done" | "failed" } | undefined
  >;
  fail(run: RunRef, object: ClaimedObject, failure: LoadFailure): Promise<boolean>;
  /** An object that vanished between listing and loading: gone from the table when it has no tasks, no issue. */
  forget(run: RunRef, object: ClaimedObject): Promise<boolean>;
}

/** Why a run ends as failed. */
export interface RunFailure {
  readonly code: ErrorCode;
  readonly reason: string | null;
  readonly message: string;
}

/** Sums over units and slots while the run is active, totals afterwards. */
export interface RunProgress {
  readonly state: RunStateName;
  readonly phase: "waiting" | "queued" | "listing" | "loading" | "final";
  readonly listed: number;
  readonly created: number;
  readonly known: number;
  readonly skipped: number;
  readonly failed: number;
  readonly pending: number;
  readonly tasks: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** Runs and their transitions. */
export interface RunStore {
  find(run: RunRef): Promise<RunSnapshot | undefined>;
  /** Ends the run when nothing is listing, pending or leased; exactly one caller gets the state. Promotes the waiting run. */
  finish(
    run: RunRef,
  ): Promise<{ readonly state: RunStateName; readonly nextRunId: number | null } | undefined>;
  /** Ends the run as failed; only while `lease` (when given) is held. Promotes the waiting run. */
  fail(
    run: RunRef,
    failure: RunFailure,
    lease: UnitLease | undefined,
  ): Promise<{ readonly nextRunId: number | null } | undefined>;
  progress(run: RunRef): Promise<RunProgress | undefined>;
  /** Shows that a worker lives; nothing is decided by it. */
  heartbeat(run: RunRef): Promise<void>;
  /** Objects that could be claimed now, up to `limit`: decides how many slots are rung. */
  countClaimable(run: RunRef, limit: number): Promise<number>;
}

/** Opens the store of a source; the caller closes what it opened through `release`. */
export interface SourceConnections {
  acquire(source: SourceSnapshot): Promise<SourceConnection>;
  /** What settings of a provider name: "s3://bucket", "/data/folder"; undefined: nothing, or they cannot be used. */
  describe(
    provider: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined>;
}

/** A target that may write where a source reads. */
export interface ExportPlace {
  readonly targetId: number;
  readonly projectId: number;
  readonly provider: string;
  /** Provider fields by their wire names, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly prefix: string | null;
}

/** What targets of an organisation wrote, and where. */
export interface ExportNames {
  /** Targets of the run's organisation, of whatever provider: several of them lead to the same stores. */
  listTargets(run: RunRef): Promise<readonly ExportPlace[]>;
  /** Keeps with the run which targets meet its source: whoever reads the run should know. */
  noteOverlap(run: RunRef, targetIds: readonly number[]): Promise<void>;
  /** For each pair whether that target names the key, at the place where it is now. */
  findNamed(
    run: RunRef,
    pairs: readonly { readonly targetId: number; readonly key: string }[],
  ): Promise<readonly boolean[]>;
}

/** A store that is open for one user at a time. `release` gives it back to the cache. */
export interface SourceConnection {
  readonly store: ObjectStore;
  /** Keys to references of the files method. */
  toReferences(keys: readonly string[]): string[];
  /** What the user's filter is matched against: the key, for local files its last part (ls-api §7.1). */
  filterName(key: string): string;
  /** For error texts: "s3://bucket/prefix". */
  readonly place: string;
  release(): void;
}

/** Rings other workers; never throws, never waits long (design §8). */
export interface Bell {
  ringRun(run: RunRef): void;
  ringLoad(run: RunRef, slot: number): void;
}
