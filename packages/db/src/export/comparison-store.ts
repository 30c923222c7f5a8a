import { toSafeId } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import {
  runStatement,
  type StatementName,
  type StatementValue,
  type Statements,
} from "../statements.ts";
import {
  SETTLE_SECONDS,
  toTarget,
  type ExportStoreDeps,
  type TargetRow,
} from "./delivery-store.ts";
import type { ExportRunKey } from "./export-run-store.ts";
import {
  addFindings,
  repairSubjects,
  type ReconcileEntry,
  type ReconcileKind,
} from "./reconcile-store.ts";
import type { DeliverySubjectName, TargetRecord } from "./records.ts";

/** Marks that one transaction removes. */
const CLEAR_CHUNK = 10_000;
/** Comparisons of a target whose findings are kept. */
const KEPT_COMPARISONS = 5;

/** A comparison as it stands now. */
export interface ComparisonRecord {
  readonly target: TargetRecord;
  /** Pages that are compared; names the next one. */
  readonly page: number;
  readonly cursor: string | null;
  readonly isListed: boolean;
  /** The database's clock, for what is listed after this. Opaque. */
  readonly since: string;
  /** Other targets of the organisation. */
  readonly siblings: readonly SiblingRecord[];
}

/** Another target, and where it is. */
export interface SiblingRecord {
  readonly targetId: number;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A page of a listing: columns of equal length, keys as the target's deliveries name them. */
export interface ComparedPageRecord {
  /** Of the comparison before this page. */
  readonly page: number;
  readonly since: string;
  readonly keys: readonly string[];
  readonly etags: readonly (string | null)[];
  readonly bytes: readonly number[];
  /** Another target names it at the same place. */
  readonly named: readonly boolean[];
  /** Of the next page; null at the end. */
  readonly cursor: string | null;
}

interface BeginRow extends TargetRow {
  readonly page: number;
  readonly cursor: string | null;
  readonly listed: boolean;
  readonly since: string;
}

interface DifferenceRow {
  readonly key: string | null;
  readonly subject_type: DeliverySubjectName | null;
  readonly subject_id: bigint | null;
  readonly repair: boolean;
}

/** Comparisons of targets with their buckets. Undefined from a write: the run is over, canceled, or in other hands. */
export class ComparisonStore {
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #settleSeconds: number;

  constructor({ database, statements, settleSeconds = SETTLE_SECONDS }: ExportStoreDeps) {
    this.#database = database;
    this.#statements = statements;
    this.#settleSeconds = settleSeconds;
  }

  /** Where the comparison goes on. */
  async begin(run: ExportRunKey): Promise<ComparisonRecord | undefined> {
    return this.#run(run, async (tx) => {
      const [row] = await this.#rows<BeginRow>(tx, "reconcile-begin", [run.runId]);
      if (row === undefined) return undefined;
      if (row.page === 0) await dropOlder(tx, run);
      const siblings = await tx.storage.findMany({
        where: {
          direction: "target",
          deletedAt: null,
          id: { not: run.targetId },
        },
        select: { id: true, provider: true, settings: true },
      });
      return {
        target: toTarget(row, run, this.#database.keyRing),
        page: row.page,
        cursor: row.cursor,
        isListed: row.listed,
        since: row.since,
        siblings: siblings.map(({ id, provider, settings }) => ({
          targetId: id,
          provider,
          settings: settings as Record<string, unknown>,
        })),
      };
    });
  }

  /** For each pair whether that target names the key, at the place where it is now. */
  async findNamed(
    run: ExportRunKey,
    pairs: readonly { readonly targetId: number; readonly key: string }[],
  ): Promise<readonly boolean[]> {
    return this.#run(run, async (tx) => {
      const values = [pairs.map(({ targetId }) => targetId), pairs.map(({ key }) => key)];
      const rows = await this.#rows<{ n: number }>(tx, "reconcile-named", values);
      const named = new Set(rows.map(({ n }) => n - 1));
      return pairs.map((_, index) => named.has(index));
    });
  }

  /** Keeps what differs, wishes it again where the run repairs, and moves the cursor: the whole page or nothing. */
  async addPage(
    run: ExportRunKey,
    page: ComparedPageRecord,
  ): Promise<{ readonly since: string; readonly repaired: number } | undefined> {
    return this.#run(run, async (tx) => {
      const { keys, etags, bytes, named, since, cursor } = page;
      const rows = await this.#rows<
        DifferenceRow & { readonly kind: ReconcileKind | null; readonly since: string | null }
      >(tx, "reconcile-page", [run.runId, page.page, keys, etags, bytes, named, since, cursor]);
      const moved = rows.find(({ kind }) => kind === null);
      if (moved === undefined) return undefined;
      const entries = rows.flatMap((row) => (row.kind === null ? [] : [toEntry(row.kind, row)]));
      const repaired = await this.#keep(tx, run, { entries, repairs: moved.repair });
      return { since: moved.since ?? since, repaired };
    });
  }

  /** Looks through one chunk of deliveries for those that no page has shown. */
  async addMissing(
    run: ExportRunKey,
    after: number,
    chunk: number,
  ): Promise<{ readonly done: boolean; readonly repaired: number } | undefined> {
    return this.#run(run, async (tx) => {
      const values = [run.runId, after, chunk];
      const rows = await this.#rows<DifferenceRow & { readonly done: boolean | null }>(
        tx,
        "reconcile-missing",
        values,
      );
      const moved = rows.find(({ done }) => done !== null);
      if (moved === undefined) return undefined;
      const entries = rows.flatMap((row) => (row.done === null ? [toEntry("missing", row)] : []));
      const repaired = await this.#keep(tx, run, { entries, repairs: moved.repair });
      return { done: moved.done === true, repaired };
    });
  }

  /** Begins the listing anew: its token has expired. */
  async restart(run: ExportRunKey): Promise<void> {
    await this.#run(run, async (tx) => {
      const rows = await this.#rows(tx, "reconcile-restart", [run.runId]);
      if (rows.length === 0) return;
      await tx.reconcileFinding.deleteMany({ where: { runId: run.runId } });
    });
  }

  /** Removes the marks of a comparison that is over, in chunks. */
  async clearMarks(run: ExportRunKey): Promise<void> {
    for (;;) {
      const removed = await this.#run(
        run,
        (tx) => tx.$executeRaw`
          DELETE FROM reconcile_mark m USING (
            SELECT x.subject_id FROM reconcile_mark x WHERE x.run_id = ${run.runId} LIMIT ${CLEAR_CHUNK}) o
          WHERE m.run_id = ${run.runId} AND m.subject_id = o.subject_id`,
      );
      if (removed < CLEAR_CHUNK) return;
    }
  }

  async #keep(
    tx: Transaction,
    run: ExportRunKey,
    found: { readonly entries: readonly ReconcileEntry[]; readonly repairs: boolean },
  ): Promise<number> {
    const { organizationId, runId } = run;
    await addFindings(tx, { organizationId, runId }, found.entries);
    if (!found.repairs) return 0;
    const subjects = found.entries.flatMap(({ subject }) => subject ?? []);
    return repairSubjects(tx, run, subjects, this.#settleSeconds);
  }

  #rows<Row>(
    tx: Transaction,
    name: StatementName,
    values: readonly StatementValue[],
  ): Promise<Row[]> {
    return runStatement<Row>(tx, this.#statements[name], values);
  }

  #run<T>(run: ExportRunKey, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#database.inOrganization(run.organizationId, work, { op: "db.comparison" });
  }
}

function toEntry(kind: ReconcileKind, row: DifferenceRow): ReconcileEntry {
  const { key, subject_type: type, subject_id: id } = row;
  const subject = type === null || id === null ? null : { type, id: toSafeId(id) };
  return { kind, key: key ?? "", subject };
}

/** Marks that a comparison left when its worker died with it, and findings that newer ones have replaced. */
async function dropOlder(tx: Transaction, run: ExportRunKey): Promise<void> {
  const older = await tx.run.findMany({
    where: { storageId: run.targetId, kind: "reconcile", id: { lt: run.runId } },
    orderBy: { id: "desc" },
    select: { id: true },
  });
  const ids = older.map(({ id }) => id);
  await tx.reconcileMark.deleteMany({ where: { runId: { in: ids } } });
  const replaced = ids.slice(KEPT_COMPARISONS - 1);
  await tx.reconcileFinding.deleteMany({ where: { runId: { in: replaced } } });
}
