import {
  AppError,
  COUNTER_SLOTS,
  isAppError,
  LEASE_SECONDS,
  MAX_ATTEMPTS,
  toSafeId,
} from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import {
  loadStatements,
  runStatement,
  type Statements,
  type StatementValue,
} from "../statements.ts";
import { toStorableText } from "../storable-text.ts";
import { insertEmbedded, toTaskColumns } from "../tasks/embedded.ts";
import type { InnerIds } from "./inner-ids.ts";
import type { ClaimedObjectRecord, LoadBatchRecord, LoadFailureRecord, RunKey } from "./records.ts";
import type { ImportStoreDeps } from "./scan-store.ts";

interface ClaimedRow {
  readonly id: bigint;
  readonly key: string;
  readonly etag: string | null;
  readonly version: string | null;
  readonly size: bigint | null;
  readonly epoch: number;
  readonly attempts: number;
  readonly rows_loaded: number;
  readonly byte_offset: bigint | null;
}

interface BatchRow {
  readonly inserted: number;
  readonly state: "pending" | "done" | "failed";
  readonly task_ids: readonly bigint[];
  readonly task_rows: readonly number[];
}

/** Outcome of a saved batch. */
export interface BatchOutcome {
  readonly inserted: number;
  readonly state: "pending" | "done" | "failed";
}

/** Reason of the error that undoes what a batch did before its lease turned out to be lost. */
const LEASE_LOST = "db.lease_lost";

/**
 * Objects that wait to be loaded, and their leases. `undefined` or `false` from a write means that the lease is lost, the run
 * has ended or the settings of the storage changed: nothing was written.
 */
export class LoadStore {
  readonly #database: Database;
  readonly #innerIds: InnerIds;
  readonly #statements: Statements;
  readonly #leaseSeconds: number;
  #lastProject: { readonly runId: number; readonly projectId: number } | undefined;

  constructor({ database, innerIds, ...options }: ImportStoreDeps) {
    this.#database = database;
    this.#innerIds = innerIds;
    this.#statements = options.statements ?? loadStatements();
    this.#leaseSeconds = options.leaseSeconds ?? LEASE_SECONDS;
  }

  /** Claims due objects, oldest first; one that is larger than `bytes` alone. */
  async claim(
    run: RunKey,
    owner: string,
    limits: { readonly objects: number; readonly bytes: number },
  ): Promise<readonly ClaimedObjectRecord[]> {
    const values = [
      run.runId,
      owner,
      limits.objects,
      limits.bytes,
      this.#leaseSeconds,
      MAX_ATTEMPTS,
    ];
    const rows = await this.#rows<ClaimedRow>(run, "db.object.claim", "objects-claim", values);
    return rows.map(toClaimedObject);
  }

  /** Renews the leases; returns the ids that are still held. */
  async renew(run: RunKey, objects: readonly ClaimedObjectRecord[]): Promise<ReadonlySet<number>> {
    if (objects.length === 0) return new Set();
    const values = [...leaseColumns(objects), this.#leaseSeconds, run.runId];
    const rows = await this.#rows<{ id: bigint }>(run, "db.object.renew", "objects-renew", values);
    return new Set(rows.map(({ id }) => toSafeId(id)));
  }

  /** Gives claimed objects back at once; the claim does not count. */
  async release(run: RunKey, objects: readonly ClaimedObjectRecord[]): Promise<void> {
    if (objects.length === 0) return;
    await this.#rows(run, "db.object.release", "objects-release", leaseColumns(objects));
  }

  /** Rows, bad rows, checkpoint and what came inside the rows: one transaction. */
  async saveBatch(run: RunKey, batch: LoadBatchRecord): Promise<BatchOutcome | undefined> {
    const projectId = await this.#projectOf(run);
    if (projectId === undefined) return undefined;
    const { organizationId } = run;
    const ids = await this.#innerIds.reserveAll({ organizationId, projectId }, batch.rows.length);
    const values = batchValues(run, batch, {
      innerIdBase: ids.base,
      leaseSeconds: this.#leaseSeconds,
    });
    try {
      // Rows and checkpoint are one transaction: lost together with an unflushed commit, they are read again.
      return await this.#database.inOrganization(
        organizationId,
        (tx) => this.#writeBatch(tx, run, batch, { projectId, values }),
        { op: "db.batch", commitWithoutFlush: true },
      );
    } catch (error) {
      if (isAppError(error) && error.reason === LEASE_LOST) return undefined;
      throw error;
    }
  }

  /** Puts the object off, or gives it up with one open issue. */
  async fail(
    run: RunKey,
    object: ClaimedObjectRecord,
    failure: LoadFailureRecord,
  ): Promise<boolean> {
    const rows = await this.#rows(run, "db.object.fail", "load-fail", [
      run.runId,
      object.id,
      object.epoch,
      failure.code,
      toStorableText(failure.message),
      failure.retryAfterSeconds,
      failure.etag,
      failure.content,
      failure.byteOffset,
    ]);
    return rows.length > 0;
  }

  /** The object vanished between listing and loading. */
  async forget(run: RunKey, object: ClaimedObjectRecord): Promise<boolean> {
    const values = [run.runId, object.id, object.epoch];
    return (await this.#rows(run, "db.object.forget", "object-forget", values)).length > 0;
  }

  async #writeBatch(
    tx: Transaction,
    run: RunKey,
    batch: LoadBatchRecord,
    { projectId, values }: { readonly projectId: number; readonly values: StatementValue[] },
  ): Promise<BatchOutcome> {
    if (batch.replace) await this.#clearImported(tx, projectId, batch.object.id);
    const [row] = await runStatement<BatchRow>(tx, this.#statements["load-batch"], values);
    if (row === undefined) throw leaseLost();
    const documents = new Map(batch.rows.map((document) => [document.rowIndex, document]));
    const tasks = row.task_ids.flatMap((taskId, position) => {
      const document = documents.get(row.task_rows[position] ?? -1);
      return document === undefined ? [] : [{ taskId, document }];
    });
    await insertEmbedded(tx, this.#statements, tasks, run.runId);
    return { inserted: row.inserted, state: row.state };
  }

  /** Before tasks are replaced: annotations that came from the file and that nobody edited do not make a task touched. */
  async #clearImported(tx: Transaction, projectId: number, objectId: number): Promise<void> {
    await runStatement(tx, this.#statements["project-hold"], [projectId]);
    const locked = await runStatement<{ id: bigint }>(tx, this.#statements["tasks-lock"], [
      null,
      objectId,
      null,
    ]);
    const taskIds = locked.map(({ id }) => id);
    if (taskIds.length === 0) return;
    const imported = await tx.$queryRaw<{ id: bigint }[]>`
      SELECT a.id FROM annotation a
      WHERE a.task_id = ANY (${taskIds}::bigint[])
        AND NOT EXISTS (SELECT FROM annotation x WHERE x.task_id = a.task_id
                        AND NOT (x.last_action IS NOT DISTINCT FROM 'imported' AND x.revision = 1))
        AND NOT EXISTS (SELECT FROM draft d WHERE d.task_id = a.task_id)`;
    if (imported.length === 0) return;
    const ids = imported.map(({ id }) => id);
    await runStatement(tx, this.#statements["annotations-delete"], [ids, null]);
  }

  /** A run never changes its project; looked up once per run and remembered for the last one. */
  async #projectOf(run: RunKey): Promise<number | undefined> {
    if (this.#lastProject?.runId === run.runId) return this.#lastProject.projectId;
    const found = await this.#database.inOrganization(
      run.organizationId,
      (tx) =>
        tx.run.findUnique({
          where: { id: run.runId },
          select: { storage: { select: { projectId: true } } },
        }),
      { op: "db.batch" },
    );
    if (found === null) return undefined;
    this.#lastProject = { runId: run.runId, projectId: found.storage.projectId };
    return this.#lastProject.projectId;
  }

  async #rows<Row>(
    run: RunKey,
    op: string,
    name: "objects-claim" | "objects-renew" | "objects-release" | "load-fail" | "object-forget",
    values: readonly StatementValue[],
  ): Promise<Row[]> {
    return this.#database.inOrganization(
      run.organizationId,
      (tx) => runStatement<Row>(tx, this.#statements[name], values),
      { op },
    );
  }
}

function batchValues(
  run: RunKey,
  batch: LoadBatchRecord,
  { innerIdBase, leaseSeconds }: { readonly innerIdBase: number; readonly leaseSeconds: number },
): StatementValue[] {
  const columns = toTaskColumns(batch.rows);
  return [
    run.runId,
    batch.object.id,
    batch.object.epoch,
    batch.rows.map(({ rowIndex }) => rowIndex),
    columns.data,
    columns.meta,
    columns.allowSkip,
    columns.annotations,
    columns.canceled,
    columns.predictions,
    innerIdBase,
    batch.rowsRead,
    batch.byteOffset,
    batch.finished,
    batch.etag,
    leaseSeconds,
    batch.slot % COUNTER_SLOTS,
    batch.replace,
    batch.badRows.map(({ rowIndex }) => rowIndex),
    batch.badRows.map(({ byteOffset }) => byteOffset),
    batch.badRows.map(({ code }) => code),
    batch.badRows.map(({ message }) => toStorableText(message)),
  ];
}

function leaseColumns(objects: readonly ClaimedObjectRecord[]): [number[], number[]] {
  return [objects.map(({ id }) => id), objects.map(({ epoch }) => epoch)];
}

function toClaimedObject(row: ClaimedRow): ClaimedObjectRecord {
  return {
    id: toSafeId(row.id),
    key: row.key,
    etag: row.etag,
    version: row.version,
    size: toSafeId(row.size ?? 0),
    epoch: row.epoch,
    attempts: row.attempts,
    rowsLoaded: row.rows_loaded,
    byteOffset: row.byte_offset === null ? null : toSafeId(row.byte_offset),
  };
}

function leaseLost(): AppError {
  const message = "the object is no longer held by this worker";
  return new AppError({ code: "precondition_failed", reason: LEASE_LOST, op: "db.batch", message });
}
