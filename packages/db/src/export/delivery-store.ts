import { isAppError, LEASE_SECONDS, toSafeId, type Secret } from "@bucketbridge/core";
import type { Database, Transaction, TransactionOptions } from "../client.ts";
import type { KeyRing, SecretFields } from "../secrets/key-ring.ts";
import {
  runStatement,
  type StatementName,
  type Statements,
  type StatementValue,
} from "../statements.ts";
import { toStorableText } from "../storable-text.ts";
import type {
  ClaimedDeliveryRecord,
  ClaimOptionsRecord,
  DeliveredPushRecord,
  DeliveryClaimRecord,
  DeliverySubjectName,
  ExportSubjectRecord,
  PushFailureRecord,
  TargetKey,
  TargetRecord,
} from "./records.ts";
import { readSubjects } from "./subjects.ts";

/** A put without an answer may still land for this long: longer than the deadline of a put (30 s). */
export const SETTLE_SECONDS = 60;

/** What the stores of the export engine are made with. */
export interface ExportStoreDeps {
  readonly database: Database;
  readonly statements: Statements;
  readonly leaseSeconds?: number | undefined;
  readonly settleSeconds?: number | undefined;
  /** A run whose target answers nobody for this long ends as failed. */
  readonly outageSeconds?: number | undefined;
  /** Longest wait between two probes of such a target. */
  readonly breakerSeconds?: number | undefined;
  /** Called for each settled delivery with the seconds since its wish. */
  readonly onSettled?: ((lagSeconds: number) => void) | undefined;
}

/** The columns of a target as statements select them. */
export interface TargetRow {
  readonly project_id: number;
  readonly provider: string;
  readonly settings: Record<string, unknown>;
  readonly secrets: Uint8Array | null;
  readonly title: string | null;
  readonly prefix: string | null;
  readonly subject: DeliverySubjectName;
  readonly key_template: string | null;
  readonly json_extension: boolean;
  readonly can_delete_objects: boolean;
  readonly settings_version: number;
  readonly location_version: number;
  readonly is_retired: boolean;
}

interface ClaimRow extends TargetRow {
  readonly is_held_back: boolean;
  readonly subject_type: DeliverySubjectName | null;
  readonly subject_id: bigint | null;
  readonly epoch: number;
  readonly attempts: number;
  readonly wanted_revision: number;
  readonly wanted_op: "put" | "delete";
  readonly object_key: string | null;
  readonly etag: string | null;
  readonly delivered_revision: number | null;
  readonly stored_bytes: number;
}

interface SubjectIdRow {
  readonly subject_id: bigint;
}

/** Where a put will go. */
interface Intent {
  readonly delivery: ClaimedDeliveryRecord;
  readonly objectKey: string;
}

/** Deliveries of targets and their leases. What is not returned by a write was lost: its lease ended or the target changed. */
export class DeliveryStore {
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #leaseSeconds: number;
  readonly #settleSeconds: number;
  readonly #onSettled: (lagSeconds: number) => void;

  constructor({ database, statements, ...options }: ExportStoreDeps) {
    this.#database = database;
    this.#statements = statements;
    this.#leaseSeconds = options.leaseSeconds ?? LEASE_SECONDS;
    this.#settleSeconds = options.settleSeconds ?? SETTLE_SECONDS;
    this.#onSettled = options.onSettled ?? (() => undefined);
  }

  /**
   * Due deliveries of one place of the target, the longest waiting first; undefined: the target is gone. Deletes that waited
   * when the target moved go first, with the settings of the place where they belong. What is small enough is read, and its keys
   * are written down, in the same transaction: one commit and a third of the round trips.
   */
  async claim(
    target: TargetKey,
    owner: string,
    count: number,
    options: ClaimOptionsRecord = {},
  ): Promise<DeliveryClaimRecord | undefined> {
    const { onlyWhenClosed = false } = options;
    const times = [this.#leaseSeconds, this.#settleSeconds];
    const values = [target.targetId, owner, count, ...times, onlyWhenClosed];
    return this.#database.inOrganization(
      target.organizationId,
      async (tx) => {
        const rows = await runStatement<ClaimRow>(tx, this.#statements["deliveries-claim"], values);
        const [first] = rows;
        if (first === undefined) return undefined;
        const claim = {
          target: toTarget(first, target, this.#database.keyRing),
          deliveries: rows.flatMap(toClaimed),
          isHeldBack: first.is_held_back,
        };
        return { ...claim, ...(await this.#readAtOnce(tx, claim, options)) };
      },
      { op: "db.delivery" },
    );
  }

  /** Nothing for a claim that is too large, or whose keys nobody can tell. */
  async #readAtOnce(
    tx: Transaction,
    { target, deliveries }: DeliveryClaimRecord,
    { readUpToBytes = 0, keyOf }: ClaimOptionsRecord,
  ): Promise<Pick<DeliveryClaimRecord, "deliveries" | "subjects"> | undefined> {
    const bytes = deliveries.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    if (keyOf === undefined || deliveries.length === 0 || bytes >= readUpToBytes) return undefined;
    const subjects = await readSubjects(tx, this.#statements, target.subject, deliveries);
    const intents = deliveries.flatMap((delivery) => {
      const objectKey = keyOf(target, subjects.get(delivery.subjectId));
      const isKnown = objectKey === undefined || objectKey === delivery.objectKey;
      return isKnown ? [] : [{ delivery, objectKey }];
    });
    if (intents.length === 0) return { deliveries, subjects };
    const text = this.#statements["deliveries-intend"];
    const rows = await runStatement<SubjectIdRow>(tx, text, toIntendValues(target, intents));
    const held = toIds(rows);
    const lost = intents.flatMap(({ delivery }) =>
      held.has(delivery.subjectId) ? [] : [delivery],
    );
    return { deliveries: deliveries.filter((delivery) => !lost.includes(delivery)), subjects };
  }

  /** Renews the leases; the subject ids that are still held. */
  async renew(
    target: TargetKey,
    deliveries: readonly ClaimedDeliveryRecord[],
  ): Promise<ReadonlySet<number>> {
    const values = [target.targetId, ...leaseColumns(deliveries), this.#leaseSeconds];
    return this.#subjectIds(target, "deliveries-renew", values);
  }

  /** What is newest now, by subject id; a missing one is gone. */
  async readSubjects(
    target: TargetRecord,
    deliveries: readonly ClaimedDeliveryRecord[],
  ): Promise<ReadonlyMap<number, ExportSubjectRecord>> {
    return this.#database.inOrganization(
      target.organizationId,
      (tx) => readSubjects(tx, this.#statements, target.subject, deliveries),
      { op: "db.delivery.read" },
    );
  }

  /** Writes down where puts will go, before they go; the subject ids that are still held. None when the target changed. */
  async intend(target: TargetRecord, intents: readonly Intent[]): Promise<ReadonlySet<number>> {
    return this.#subjectIds(target, "deliveries-intend", toIntendValues(target, intents));
  }

  /**
   * Records answered pushes; returns those whose lease was lost, to be reported as ambiguous. Does not wait for the disk: after a
   * crash of the server the delivery is still leased by a claim that never reported, so the newest is put again and settled.
   */
  async delivered(
    target: TargetRecord,
    records: readonly DeliveredPushRecord[],
  ): Promise<readonly ClaimedDeliveryRecord[]> {
    const rows = await this.#rows<{ subject_id: bigint; settled: boolean; lag: number }>(
      target,
      "deliveries-delivered",
      [
        target.targetId,
        target.settingsVersion,
        target.locationVersion,
        target.canDeleteObjects,
        ...leaseColumns(records.map(({ delivery }) => delivery)),
        records.map(({ revision }) => revision),
        records.map(({ objectKey }) => objectKey),
        records.map(({ etag }) => etag),
        records.map(({ bytes }) => bytes ?? null),
      ],
      { commitWithoutFlush: true },
    );
    for (const row of rows) if (row.settled) this.#onSettled(row.lag);
    const recorded = new Set(rows.map((row) => toSafeId(row.subject_id)));
    return records.flatMap(({ delivery }) => (recorded.has(delivery.subjectId) ? [] : [delivery]));
  }

  /** The store refused: nothing was written. A lost lease is left alone. */
  async failed(
    target: TargetKey,
    delivery: ClaimedDeliveryRecord,
    failure: PushFailureRecord,
  ): Promise<void> {
    await this.#rows(target, "delivery-failed", [
      ...leaseOf(target, delivery),
      failure.code,
      toStorableText(failure.message),
      failure.retryAfterSeconds,
    ]);
  }

  /** Nobody knows whether it was written: the newest goes out at once, and once more when the lost put cannot land any more. */
  async ambiguous(
    target: TargetKey,
    delivery: ClaimedDeliveryRecord,
    failure: PushFailureRecord,
  ): Promise<void> {
    await this.#rows(target, "delivery-ambiguous", [
      ...leaseOf(target, delivery),
      this.#settleSeconds,
      failure.code,
      toStorableText(failure.message),
      failure.retryAfterSeconds,
    ]);
  }

  /** Gives deliveries back whose push never began; the claim does not count. */
  async release(target: TargetKey, deliveries: readonly ClaimedDeliveryRecord[]): Promise<void> {
    const values = [target.targetId, ...leaseColumns(deliveries)];
    await this.#rows(target, "deliveries-release", values);
  }

  async #subjectIds(
    target: TargetKey,
    name: StatementName,
    values: readonly StatementValue[],
  ): Promise<ReadonlySet<number>> {
    return toIds(await this.#rows<SubjectIdRow>(target, name, values));
  }

  async #rows<Row>(
    target: TargetKey,
    name: StatementName,
    values: readonly StatementValue[],
    options: Pick<TransactionOptions, "commitWithoutFlush"> = {},
  ): Promise<Row[]> {
    return this.#database.inOrganization(
      target.organizationId,
      (tx) => runStatement<Row>(tx, this.#statements[name], values),
      { op: "db.delivery", ...options },
    );
  }
}

function toIds(rows: readonly SubjectIdRow[]): ReadonlySet<number> {
  return new Set(rows.map((row) => toSafeId(row.subject_id)));
}

function toIntendValues(target: TargetRecord, intents: readonly Intent[]): StatementValue[] {
  return [
    target.targetId,
    target.settingsVersion,
    target.locationVersion,
    ...leaseColumns(intents.map(({ delivery }) => delivery)),
    intents.map(({ objectKey }) => toStorableText(objectKey)),
  ];
}

function leaseOf(target: TargetKey, delivery: ClaimedDeliveryRecord): StatementValue[] {
  return [target.targetId, delivery.subjectType, delivery.subjectId, delivery.epoch];
}

function leaseColumns(deliveries: readonly ClaimedDeliveryRecord[]): StatementValue[] {
  return [
    deliveries.map(({ subjectType }) => subjectType),
    deliveries.map(({ subjectId }) => subjectId),
    deliveries.map(({ epoch }) => epoch),
  ];
}

function toClaimed(row: ClaimRow): ClaimedDeliveryRecord[] {
  if (row.subject_type === null || row.subject_id === null) return [];
  return [
    {
      subjectType: row.subject_type,
      subjectId: toSafeId(row.subject_id),
      epoch: row.epoch,
      attempts: row.attempts,
      wantedRevision: row.wanted_revision,
      wantedOp: row.wanted_op,
      objectKey: row.object_key,
      etag: row.etag,
      deliveredRevision: row.delivered_revision,
      storedBytes: row.stored_bytes,
    },
  ];
}

/** Opens the secrets; a target whose key is lost is still read. */
export function toTarget(row: TargetRow, key: TargetKey, keyRing: KeyRing): TargetRecord {
  return {
    organizationId: key.organizationId,
    targetId: key.targetId,
    projectId: row.project_id,
    provider: row.provider,
    settings: row.settings,
    secrets: openSecrets(row.secrets, key, keyRing),
    title: row.title,
    prefix: row.prefix,
    subject: row.subject,
    keyTemplate: row.key_template,
    jsonExtension: row.json_extension,
    canDeleteObjects: row.can_delete_objects,
    settingsVersion: row.settings_version,
    locationVersion: row.location_version,
    isRetired: row.is_retired,
  };
}

/** A target whose key is lost is still read; opening it then fails and its deliveries say why. */
function openSecrets(
  sealed: Uint8Array | null,
  { organizationId, targetId }: TargetKey,
  keyRing: KeyRing,
): Secret<SecretFields> | undefined {
  try {
    return keyRing.open(sealed, { organizationId, storageId: targetId });
  } catch (error) {
    if (isAppError(error, "invalid_config")) return undefined;
    throw error;
  }
}
