import type { ErrorCode, Secret } from "@bucketbridge/core";
import type { ObjectStore } from "@bucketbridge/storage";

/** What a target holds one object for: an annotation, or a task with all its annotations. */
export type DeliverySubject = "annotation" | "task";

/** A target within its organisation; every call on the database is made in that organisation's scope. */
export interface TargetRef {
  readonly organizationId: number;
  readonly targetId: number;
}

/** A target as one settings version saw it: secrets and the place they belong to in one snapshot. */
export interface TargetSnapshot extends TargetRef {
  readonly projectId: number;
  readonly provider: string;
  /** Provider fields by their wire names, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Undefined when they cannot be read (the key is lost): opening the target then fails. */
  readonly secrets: Secret<Readonly<Record<string, string>>> | undefined;
  readonly title: string | null;
  readonly prefix: string | null;
  readonly subject: DeliverySubject;
  /** `${project_id} ${task_id} ${annotation_id} ${source_key_stem}`; null: the subject's id (its external id where there is one). */
  readonly keyTemplate: string | null;
  readonly jsonExtension: boolean;
  readonly canDeleteObjects: boolean;
  readonly settingsVersion: number;
  readonly locationVersion: number;
  /** A place that the target has left, where only deletes are finished. */
  readonly isRetired: boolean;
}

/** A claimed delivery. Every record of it carries `epoch`. */
export interface ClaimedDelivery {
  readonly subjectType: DeliverySubject;
  readonly subjectId: number;
  readonly epoch: number;
  /** Claims since the last success, this one included. */
  readonly attempts: number;
  /** A lower bound: what is newest now is put. */
  readonly wantedRevision: number;
  readonly wantedOp: "put" | "delete";
  /** Where the copy lies that was put last; null: none. A delete goes there. */
  readonly objectKey: string | null;
  readonly etag: string | null;
  readonly deliveredRevision: number | null;
  /** About how many bytes of JSON the subject has in the database; 0: it is gone. */
  readonly storedBytes: number;
}

/** Deliveries of one target with the settings that were in force when they were claimed. */
export interface DeliveryClaim {
  readonly target: TargetSnapshot;
  readonly deliveries: readonly ClaimedDelivery[];
  /** The breaker is not closed, so nothing was claimed. */
  readonly isHeldBack: boolean;
  /** What is newest now, by subject id (a missing one is gone), with its keys written down; absent: still to be read. */
  readonly subjects?: ReadonlyMap<number, SubjectRecord> | undefined;
}

/** What a claim does besides claiming. */
export interface ClaimOptions {
  /** Claims nothing unless the breaker is closed. Default: it is not looked at. */
  readonly onlyWhenClosed?: boolean | undefined;
  /** Reads the subjects too, as `readSubjects`, when they have less JSON than this together. */
  readonly readUpToBytes?: number | undefined;
  /** Where a put of a subject goes, to be written down as `intend` does; undefined: nothing is put. */
  readonly keyOf?:
    | ((target: TargetSnapshot, subject: SubjectRecord | undefined) => string | undefined)
    | undefined;
}

/** A person as exported objects name one. */
export interface PersonRecord {
  readonly id: number;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
}

/** Columns of an annotation that exports show. JSON columns are JSON texts as the database holds them. */
export interface AnnotationRecord {
  readonly id: number;
  readonly externalId: string | null;
  readonly revision: number;
  readonly taskId: number;
  readonly projectId: number;
  readonly resultJson: string | null;
  readonly predictionJson: string | null;
  readonly completedBy: PersonRecord | null;
  readonly updatedById: number | null;
  readonly lastCreatedById: number | null;
  readonly wasCancelled: boolean;
  readonly groundTruth: boolean;
  readonly bulkCreated: boolean;
  readonly uniqueId: string | null;
  readonly lastAction: string | null;
  readonly leadTime: number | null;
  readonly importId: number | null;
  readonly parentPredictionId: number | null;
  readonly parentAnnotationId: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly draftCreatedAt: Date | null;
}

/** Columns of a task that exports show. */
export interface TaskRecord {
  readonly id: number;
  readonly externalId: string | null;
  readonly exportRevision: number;
  readonly projectId: number;
  readonly innerId: number;
  readonly dataJson: string;
  readonly metaJson: string | null;
  /** Key of the source object that the task came from, for `${source_key_stem}`. */
  readonly sourceKey: string | null;
  /** What `$undefined$` reads as; null: it stays. */
  readonly dataKey: string | null;
  readonly overlap: number;
  readonly isLabeled: boolean;
  readonly allowSkip: boolean;
  readonly totalAnnotations: number;
  readonly cancelledAnnotations: number;
  readonly totalPredictions: number;
  readonly updatedById: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** The uploaded file that it came with. */
  readonly uploadId: number | null;
  /** Its name. */
  readonly uploadName: string | null;
}

/** What one delivery puts, read in one snapshot. */
export type SubjectRecord =
  | {
      readonly type: "annotation";
      readonly annotation: AnnotationRecord;
      readonly task: TaskRecord;
    }
  | {
      readonly type: "task";
      readonly task: TaskRecord;
      readonly annotations: readonly AnnotationRecord[];
      readonly draftIds: readonly number[];
      readonly predictionIds: readonly number[];
    };

/** A push that the store has answered. `etag` null: the store gave none, or the object was deleted. */
export interface DeliveredRecord {
  readonly delivery: ClaimedDelivery;
  /** The revision that lies in the bucket now (for a delete: the wanted one). */
  readonly revision: number;
  readonly objectKey: string | null;
  readonly etag: string | null;
  /** Of the object that was put; absent: nothing was. */
  readonly bytes?: number | undefined;
}

/** Why a push did not succeed. */
export interface PushFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** Seconds to the next attempt. */
  readonly retryAfterSeconds: number;
}

/** Deliveries and their leases. Times are the database's; nothing is decided by a worker's clock. */
export interface DeliveryStore {
  /** Due deliveries, the longest waiting first; undefined: the target is gone. Expired leases come back by themselves. */
  claim(
    target: TargetRef,
    owner: string,
    count: number,
    options?: ClaimOptions,
  ): Promise<DeliveryClaim | undefined>;
  /** Renews leases; the subject ids still held. */
  renew(target: TargetRef, deliveries: readonly ClaimedDelivery[]): Promise<ReadonlySet<number>>;
  /** What is newest now, by subject id; a missing one is gone. */
  readSubjects(
    target: TargetSnapshot,
    deliveries: readonly ClaimedDelivery[],
  ): Promise<ReadonlyMap<number, SubjectRecord>>;
  /**
   * Writes down where puts will go, before they go: a delete then finds the object whatever dies in between. The subject
   * ids still held.
   */
  intend(
    target: TargetSnapshot,
    intents: readonly { readonly delivery: ClaimedDelivery; readonly objectKey: string }[],
  ): Promise<ReadonlySet<number>>;
  /**
   * Records answered pushes made with `target.settingsVersion`. Returns those whose lease was lost: their push may have
   * landed after somebody else's, so the caller reports them as ambiguous.
   */
  delivered(
    target: TargetSnapshot,
    records: readonly DeliveredRecord[],
  ): Promise<readonly ClaimedDelivery[]>;
  /** The store refused: nothing was written. */
  failed(target: TargetRef, delivery: ClaimedDelivery, failure: PushFailure): Promise<void>;
  /** No answer, or a lost lease: the newest is put at once (after `retryAfterSeconds`) and once more at settle_at. */
  ambiguous(target: TargetRef, delivery: ClaimedDelivery, failure: PushFailure): Promise<void>;
  /** Gives claimed deliveries back at once; the claim does not count. */
  release(target: TargetRef, deliveries: readonly ClaimedDelivery[]): Promise<void>;
}

/** The breaker of a target, on its storage row, shared by all workers. */
export interface BreakerStore {
  /** `closed`: push. `probe`: this caller may try one delivery. `open`: wait this long. */
  admit(
    target: TargetRef,
  ): Promise<
    | { readonly state: "closed" | "probe" }
    | { readonly state: "open"; readonly retryAfterSeconds: number }
  >;
  /**
   * A push went through: the breaker closes, and what the target has not answered is due at once. A place that the target has left
   * does not count, here and below.
   */
  onSuccess(target: TargetSnapshot): Promise<void>;
  /** The target answers nobody (connect, auth, throttle): opens it, longer each time, at least `retryAfterSeconds`. */
  onOutage(target: TargetSnapshot, failure: PushFailure): Promise<void>;
}

/** A sync of all, or a retry of what failed, on a target. */
export interface ExportRunSnapshot extends TargetRef {
  readonly runId: number;
  readonly number: number;
  readonly kind: "sync" | "retry" | "reconcile";
  readonly state:
    | "waiting"
    | "queued"
    | "running"
    | "completed"
    | "completed_with_errors"
    | "failed"
    | "canceled";
  readonly cancelRequested: boolean;
  /** Where marking goes on: the last subject id that is marked; null when all are. */
  readonly markedUpTo: number | null;
  readonly onlyChanged: boolean;
}

/** Counts of a run's own cohort. */
export interface ExportProgress {
  readonly phase: "waiting" | "queued" | "marking" | "comparing" | "pushing" | "final";
  readonly total: number;
  readonly settled: number;
  readonly failing: number;
}

/** Runs of targets and their transitions. */
export interface ExportRunStore {
  find(run: TargetRef & { readonly runId: number }): Promise<ExportRunSnapshot | undefined>;
  /** Marks one chunk wanted and moves `markedUpTo`, in one short transaction that blocks a save for one chunk at most. */
  markChunk(
    run: ExportRunSnapshot,
    chunk: number,
  ): Promise<{ readonly marked: number; readonly done: boolean } | undefined>;
  /** Ends the run when its cohort is settled, failed for good or canceled; exactly one caller gets the state. */
  finish(
    run: ExportRunSnapshot,
  ): Promise<{ readonly state: string; readonly nextRunId: number | null } | undefined>;
  /** Ends the run as failed; undefined: it was over. Its deliveries stay due. */
  fail(
    run: TargetRef & { readonly runId: number },
    failure: { readonly code: ErrorCode; readonly reason: string | null; readonly message: string },
  ): Promise<{ readonly nextRunId: number | null } | undefined>;
  progress(run: TargetRef & { readonly runId: number }): Promise<ExportProgress | undefined>;
  heartbeat(run: ExportRunSnapshot): Promise<void>;
}

/** A comparison of a target with its bucket, as it stands now. */
export interface Comparison {
  readonly target: TargetSnapshot;
  /** Pages that are compared; names the next one. */
  readonly page: number;
  /** Token of the listing; null: it begins. */
  readonly cursor: string | null;
  readonly isListed: boolean;
  /** The database's clock, for what is listed after this. Opaque. */
  readonly since: string;
  /** Other targets of the organisation, of whatever provider: they may write to the same place. */
  readonly siblings: readonly TargetSibling[];
}

/** Another target, and where it is. */
export interface TargetSibling {
  readonly targetId: number;
  readonly provider: string;
  /** Provider fields by their wire names, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A page of a target's listing: columns of equal length, keys as its deliveries name them. */
export interface ComparedPage {
  /** Pages before this one. */
  readonly page: number;
  /** The database's clock before the page was asked for. */
  readonly since: string;
  readonly keys: readonly string[];
  /** null where the store gave none. */
  readonly etags: readonly (string | null)[];
  readonly bytes: readonly number[];
  /** Another target names it at the same place: it is not judged. */
  readonly named: readonly boolean[];
  /** Token of the next page; null at the end. */
  readonly cursor: string | null;
}

/** A run of a target within its organisation. */
export type ExportRunRef = TargetRef & { readonly runId: number };

/** Comparisons and what they find. `undefined` from a write: the run is over, canceled, or in other hands; stop. */
export interface ComparisonStore {
  begin(run: ExportRunRef): Promise<Comparison | undefined>;
  /** For each pair whether that target names the key, at the place where it is now. */
  findNamed(
    run: ExportRunRef,
    pairs: readonly { readonly targetId: number; readonly key: string }[],
  ): Promise<readonly boolean[]>;
  /** Keeps what differs, wishes it again where the run repairs, and moves the cursor: the whole page or nothing. */
  addPage(
    run: ExportRunRef,
    page: ComparedPage,
  ): Promise<{ readonly since: string; readonly repaired: number } | undefined>;
  /** After the listing: one chunk of deliveries behind the subject id `after`, those that no page has shown are missing. */
  addMissing(
    run: ExportRunRef,
    after: number,
    chunk: number,
  ): Promise<{ readonly done: boolean; readonly repaired: number } | undefined>;
  /** Begins the listing anew: its token has expired. */
  restart(run: ExportRunRef): Promise<void>;
  /** Frees what a comparison that is over needs no more. */
  clearMarks(run: ExportRunRef): Promise<void>;
}

/** Opens the store of a target. */
export interface TargetConnections {
  acquire(target: TargetSnapshot): Promise<TargetConnection>;
  /** What settings of a provider name: "s3://bucket", "/data/folder"; undefined: nothing, or they cannot be used. */
  describe(
    provider: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined>;
}

/** A target's store, open for one user at a time. */
export interface TargetConnection {
  readonly store: ObjectStore;
  /** For error texts: "s3://bucket/prefix". */
  readonly place: string;
  release(): void;
}

/** Rings export workers; never throws, never waits long. */
export interface ExportBell {
  ringPush(target: TargetRef): void;
  ringRun(run: TargetRef & { readonly runId: number }): void;
}
