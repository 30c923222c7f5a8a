import type { ErrorCode, Secret } from "@bucketbridge/core";
import type { SecretFields } from "../secrets/key-ring.ts";

/** What a target holds one object for. */
export type DeliverySubjectName = "annotation" | "task";

/** A target within its organisation. */
export interface TargetKey {
  readonly organizationId: number;
  readonly targetId: number;
}

/** A target, and which of its places is meant: one that it left answers for itself alone. */
export interface TargetPlaceKey extends TargetKey {
  readonly locationVersion: number;
}

/** A target as one settings version saw it. */
export interface TargetRecord extends TargetPlaceKey {
  readonly projectId: number;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Undefined when they cannot be read (the key is lost). */
  readonly secrets: Secret<SecretFields> | undefined;
  readonly title: string | null;
  readonly prefix: string | null;
  readonly subject: DeliverySubjectName;
  readonly keyTemplate: string | null;
  readonly jsonExtension: boolean;
  readonly canDeleteObjects: boolean;
  readonly settingsVersion: number;
  /** A place that the target has left, where only deletes are finished. */
  readonly isRetired: boolean;
}

/** A delivery under a lease. */
export interface ClaimedDeliveryRecord {
  readonly subjectType: DeliverySubjectName;
  readonly subjectId: number;
  readonly epoch: number;
  readonly attempts: number;
  readonly wantedRevision: number;
  readonly wantedOp: "put" | "delete";
  /** Where the copy lies that was put last, at the place of the claim; null: none. */
  readonly objectKey: string | null;
  readonly etag: string | null;
  readonly deliveredRevision: number | null;
  /** About how many bytes of JSON the subject has; 0: it is gone. */
  readonly storedBytes: number;
}

/** Deliveries of one target and one place. */
export interface DeliveryClaimRecord {
  readonly target: TargetRecord;
  readonly deliveries: readonly ClaimedDeliveryRecord[];
  /** The breaker is not closed, so nothing was claimed. */
  readonly isHeldBack: boolean;
  /** What is newest now, by subject id, with its keys written down; absent: still to be read. */
  readonly subjects?: ReadonlyMap<number, ExportSubjectRecord> | undefined;
}

/** What a claim does besides claiming. */
export interface ClaimOptionsRecord {
  /** Claims nothing unless the breaker is closed. Default: it is not looked at. */
  readonly onlyWhenClosed?: boolean | undefined;
  /** Reads the subjects too when they have less JSON than this together. */
  readonly readUpToBytes?: number | undefined;
  /** Where a put of a subject goes, to be written down with the claim; undefined: nothing is put. */
  readonly keyOf?:
    | ((target: TargetRecord, subject: ExportSubjectRecord | undefined) => string | undefined)
    | undefined;
}

/** A push that was answered. */
export interface DeliveredPushRecord {
  readonly delivery: ClaimedDeliveryRecord;
  readonly revision: number;
  readonly objectKey: string | null;
  readonly etag: string | null;
  /** Of the object that was put; absent: nothing was. */
  readonly bytes?: number | undefined;
}

/** Why a push did not succeed. */
export interface PushFailureRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterSeconds: number;
}

/** A person as exported objects name one. */
export interface ExportPersonRecord {
  readonly id: number;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
}

/** An annotation as exported objects show it; JSON columns are texts. */
export interface ExportAnnotationRecord {
  readonly id: number;
  readonly externalId: string | null;
  readonly revision: number;
  readonly taskId: number;
  readonly projectId: number;
  readonly resultJson: string | null;
  readonly predictionJson: string | null;
  readonly completedBy: ExportPersonRecord | null;
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

/** A task as exported objects show it. */
export interface ExportTaskRecord {
  readonly id: number;
  readonly externalId: string | null;
  readonly exportRevision: number;
  readonly projectId: number;
  readonly innerId: number;
  readonly dataJson: string;
  readonly metaJson: string | null;
  readonly sourceKey: string | null;
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

/** What one delivery puts. */
export type ExportSubjectRecord =
  | {
      readonly type: "annotation";
      readonly annotation: ExportAnnotationRecord;
      readonly task: ExportTaskRecord;
    }
  | {
      readonly type: "task";
      readonly task: ExportTaskRecord;
      readonly annotations: readonly ExportAnnotationRecord[];
      readonly draftIds: readonly number[];
      readonly predictionIds: readonly number[];
    };
