import { AppError, COUNTER_SLOTS, isAppError, LEASE_SECONDS } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import {
  loadStatements,
  runStatement,
  type Statements,
  type StatementValue,
} from "../statements.ts";
import type { InnerIdRange, InnerIds } from "./inner-ids.ts";
import type { PageOutcomeRecord, RunKey, ScanPageRecord, UnitLeaseRecord } from "./records.ts";
import {
  dryRunPageValues,
  filesPageValues,
  knownPageValues,
  tasksPageValues,
  unitKey,
} from "./page-values.ts";
import { toSource, type SourceRow } from "./source-row.ts";

/** What the stores are made with. `statements` is given by tests that cut a guard out. */
export interface ImportStoreDeps {
  readonly database: Database;
  readonly innerIds: InnerIds;
  readonly statements?: Statements;
  /** Time that a lease lasts; tests of crashes shorten it. */
  readonly leaseSeconds?: number | undefined;
}

interface UnitRow extends SourceRow {
  readonly number: number;
  readonly epoch: number;
  readonly kind: "range" | "directory";
  readonly cursor: string | null;
  readonly last_key: string | null;
  readonly after: string | null;
  readonly until: string | null;
  readonly run_kind: UnitLeaseRecord["runKind"];
}

interface FilesPageRow extends PageOutcomeRecord {
  readonly fresh: number;
  readonly written: boolean;
}

/** The whole effect of a page is one statement, so its commit need not wait for the disk: a lost page is listed again. */
const PAGE = { op: "db.page", commitWithoutFlush: true };
/** At most one page per unit is in flight when the settings change. */
const MAX_PAGE_TRIES = 3;

/**
 * Scan units, pages and their leases. `undefined` from a write means that the lease is lost, the run has ended or the settings
 * of the storage changed: nothing was written.
 */
export class ScanStore {
  readonly #database: Database;
  readonly #innerIds: InnerIds;
  readonly #statements: Statements;
  readonly #leaseSeconds: number;
  /** Leases whose last page brought news: the next one probably does too, so the cheap statement is not tried. */
  readonly #bringingNews = new WeakSet<UnitLeaseRecord>();
  /** Which counter row of project_tally this process adds to. */
  readonly #tallySlot = Math.floor(Math.random() * COUNTER_SLOTS);

  constructor({ database, innerIds, ...options }: ImportStoreDeps) {
    this.#database = database;
    this.#innerIds = innerIds;
    this.#statements = options.statements ?? loadStatements();
    this.#leaseSeconds = options.leaseSeconds ?? LEASE_SECONDS;
  }

  /** Leases a free unit; the first one turns the run from queued to running. Undefined: none is free. */
  async takeUnit(run: RunKey, owner: string): Promise<UnitLeaseRecord | undefined> {
    return this.#run(run, "db.unit.take", async (tx) => {
      const [row] = await runStatement<UnitRow>(tx, this.#statements["unit-take"], [
        run.runId,
        owner,
        this.#leaseSeconds,
      ]);
      return row === undefined ? undefined : this.#toLease(run, row);
    });
  }

  /** Renews the lease; tells whether somebody asked the run to stop. */
  async renewUnit(lease: UnitLeaseRecord): Promise<{ readonly cancel: boolean } | undefined> {
    return this.#run(lease, "db.unit.renew", async (tx) => {
      const values = [...unitKey(lease), this.#leaseSeconds];
      const [row] = await runStatement<{ cancel: boolean }>(
        tx,
        this.#statements["unit-renew"],
        values,
      );
      return row;
    });
  }

  /** Gives the unit back at once. A lost lease is no error. */
  async releaseUnit(lease: UnitLeaseRecord): Promise<void> {
    await this.#run(lease, "db.unit.release", (tx) =>
      runStatement(tx, this.#statements["unit-release"], unitKey(lease)),
    );
  }

  /** Starts the unit afresh: its cursor has expired and the store cannot list after a key. */
  async restartUnit(lease: UnitLeaseRecord): Promise<void> {
    await this.#run(lease, "db.unit.restart", (tx) =>
      runStatement(tx, this.#statements["unit-restart"], unitKey(lease)),
    );
  }

  /** Files method: one task per key that has none. */
  async insertFilesPage(
    lease: UnitLeaseRecord,
    page: ScanPageRecord,
    { references }: { readonly references: readonly string[] },
  ): Promise<PageOutcomeRecord | undefined> {
    if (references.length !== page.keys.length) throw unequalColumns();
    const known = await this.#tryKnownPage(lease, page, "files");
    if (known !== "news") return known;
    const project = { organizationId: lease.organizationId, projectId: lease.source.projectId };
    // Without a sign of news no block of ids is taken for a page that may need none.
    let ids = this.#bringingNews.has(lease)
      ? await this.#innerIds.reserve(project, page.keys.length)
      : this.#innerIds.reserveAtHand(project, page.keys.length);
    let row = await this.#insertFiles(lease, page, references, ids);
    if (row?.written === false) {
      this.#innerIds.giveBack(project.projectId, ids, 0);
      ids = await this.#innerIds.reserveAll(project, row.fresh);
      row = await this.#insertFiles(lease, page, references, ids);
    }
    const used = row === undefined ? 0 : row.created + row.rearmed;
    this.#innerIds.giveBack(project.projectId, ids, used);
    return row === undefined ? undefined : this.#noteNews(lease, toOutcome(row));
  }

  /** Tasks method: unknown keys become pending objects, failed and emptied ones are re-armed. */
  async insertTasksPage(
    lease: UnitLeaseRecord,
    page: ScanPageRecord,
  ): Promise<PageOutcomeRecord | undefined> {
    const known = await this.#tryKnownPage(lease, page, "tasks");
    if (known !== "news") return known;
    const values = tasksPageValues(lease, page, this.#leaseSeconds);
    const outcome = await this.#runPage(lease, this.#statements["page-tasks"], values);
    return outcome === undefined ? undefined : this.#noteNews(lease, outcome);
  }

  /** Judges the keys and keeps the findings; nothing else is touched. */
  async recordDryRunPage(
    lease: UnitLeaseRecord,
    dryRun: { readonly page: ScanPageRecord; readonly filteredKeys: readonly string[] },
  ): Promise<PageOutcomeRecord | undefined> {
    const { page, filteredKeys } = dryRun;
    const options = { filteredKeys, leaseSeconds: this.#leaseSeconds };
    const values = dryRunPageValues(lease, page, options);
    const outcome = await this.#runPage(lease, this.#statements["page-dry-run"], values);
    return outcome === undefined ? undefined : { ...outcome, rearmed: 0 };
  }

  /** "news": the page brings something, or the listing has no order; nothing was written. */
  async #tryKnownPage(
    lease: UnitLeaseRecord,
    page: ScanPageRecord,
    method: "files" | "tasks",
  ): Promise<PageOutcomeRecord | undefined | "news"> {
    const isPlain = page.refused.length === 0 && page.failures.every((failure) => failure === null);
    if (!page.ordered || !isPlain || this.#bringingNews.has(lease)) return "news";
    const values = knownPageValues(lease, page, { leaseSeconds: this.#leaseSeconds, method });
    return this.#run(lease, PAGE.op, async (tx) => {
      const [row] = await runStatement<{ same: boolean; cancel: boolean }>(
        tx,
        this.#statements["page-known"],
        values,
      );
      if (row === undefined) return undefined;
      return row.same
        ? { created: 0, known: page.keys.length, rearmed: 0, cancel: row.cancel }
        : "news";
    });
  }

  #noteNews(lease: UnitLeaseRecord, outcome: PageOutcomeRecord): PageOutcomeRecord {
    if (outcome.created + outcome.rearmed > 0) this.#bringingNews.add(lease);
    else this.#bringingNews.delete(lease);
    return outcome;
  }

  async #insertFiles(
    lease: UnitLeaseRecord,
    page: ScanPageRecord,
    references: readonly string[],
    ids: InnerIdRange,
  ): Promise<FilesPageRow | undefined> {
    const values = filesPageValues(lease, page, {
      references,
      ids,
      leaseSeconds: this.#leaseSeconds,
      tallySlot: this.#tallySlot,
    });
    return this.#runPage<FilesPageRow>(lease, this.#statements["page-files"], values);
  }

  async #runPage<Row = PageOutcomeRecord>(
    lease: UnitLeaseRecord,
    text: string,
    values: readonly StatementValue[],
  ): Promise<Row | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#run(
          lease,
          PAGE.op,
          async (tx) => (await runStatement<Row>(tx, text, values))[0],
        );
      } catch (error) {
        // A page of the old settings that was in flight has just made one of the keys: now it is known.
        if (attempt >= MAX_PAGE_TRIES || !isAppError(error, "already_exists")) throw error;
      }
    }
  }

  #run<T>(run: RunKey, op: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#database.inOrganization(run.organizationId, work, op === PAGE.op ? PAGE : { op });
  }

  #toLease(run: RunKey, row: UnitRow): UnitLeaseRecord {
    return {
      organizationId: run.organizationId,
      runId: run.runId,
      number: row.number,
      epoch: row.epoch,
      kind: row.kind,
      cursor: row.cursor,
      lastKey: row.last_key,
      after: row.after,
      until: row.until,
      runKind: row.run_kind,
      source: toSource(row, run, this.#database.keyRing),
    };
  }
}

function toOutcome({ created, known, rearmed, cancel }: PageOutcomeRecord): PageOutcomeRecord {
  return { created, known, rearmed, cancel };
}

function unequalColumns(): AppError {
  return new AppError({
    code: "internal",
    op: PAGE.op,
    message: "the page's columns are not of equal length",
  });
}
