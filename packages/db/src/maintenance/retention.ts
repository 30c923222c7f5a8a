import type { Database, Transaction } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/** How long things are kept that nobody needs any more; days by the database's clock. */
export interface RetentionPolicy {
  readonly solvedIssueDays: number;
  readonly runsPerStorage: number;
  /** A tombstone keeps late events from bringing an annotation back. */
  readonly tombstoneDays: number;
  /** A batch of events that is repeated within these days gets its old answer. */
  readonly receiptDays: number;
  /** Days after which an old place of a target that does not answer is given up: its secrets are kept for that long at most. */
  readonly oldPlaceDays: number;
  readonly auditDays: number;
}

/** What goes. */
export type RetentionKind = "issues" | "runs" | "tombstones" | "receipts" | "places" | "audit";

/** How far one call goes. */
export interface RetentionBounds {
  /** Rows per transaction, so that nobody waits long for a lock. */
  readonly chunkRows: number;
  /** Transactions of this call for each kind; what is left is done by a later one. */
  readonly maxChunks: number;
}

/** What one call dropped, and whether something is left. */
export interface RetentionResult {
  readonly dropped: Readonly<Record<RetentionKind, number>>;
  readonly isMore: boolean;
}

interface Piece {
  readonly dropped: number;
  readonly isMore: boolean;
}

/** Gives undefined while another worker is at it. */
type Chunk = () => Promise<Piece | undefined>;

/** Advisory lock of a piece: one worker at a time. */
const RETENTION_LOCK = 7_202_613;

/** Storages whose runs one transaction counts. */
const STORAGES_PER_CHUNK = 200;

/** Drops a bounded piece of what is old. Undefined: another worker is at it. */
export type Retention = (bounds: RetentionBounds) => Promise<RetentionResult | undefined>;

/**
 * What drops everything that is older than `policy` says, of all organisations, in pieces. It remembers how far it has come, so
 * there is one per process; a killed one loses nothing, the next one begins anew. Objects in buckets are never touched.
 */
export function createRetention(database: Database, policy: RetentionPolicy): Retention {
  const statements = loadStatements();
  const runs = new RunsWalk(database, statements, policy.runsPerStorage);
  return (bounds) => applyRetention({ database, statements, policy, runs }, bounds);
}

async function applyRetention(
  {
    database,
    statements,
    policy,
    runs,
  }: {
    readonly database: Database;
    readonly statements: Statements;
    readonly policy: RetentionPolicy;
    readonly runs: RunsWalk;
  },
  { chunkRows, maxChunks }: RetentionBounds,
): Promise<RetentionResult | undefined> {
  const byAge =
    (name: AgeStatement, days: number): Chunk =>
    () =>
      inTurn(database, (tx) => dropByAge(tx, statements[name], days, chunkRows));
  const kinds: readonly (readonly [RetentionKind, Chunk])[] = [
    ["issues", byAge("retention-issues", policy.solvedIssueDays)],
    ["runs", () => runs.next(chunkRows)],
    ["tombstones", byAge("retention-tombstones", policy.tombstoneDays)],
    ["receipts", byAge("retention-receipts", policy.receiptDays)],
    ["places", byAge("places-drop", policy.oldPlaceDays)],
    ["audit", byAge("retention-audit", policy.auditDays)],
  ];
  const dropped = { issues: 0, runs: 0, tombstones: 0, receipts: 0, places: 0, audit: 0 };
  let isMore = false;
  for (const [kind, chunk] of kinds) {
    const piece = await repeat(chunk, maxChunks);
    if (piece === undefined) return undefined;
    dropped[kind] = piece.dropped;
    isMore ||= piece.isMore;
  }
  return { dropped, isMore };
}

type AgeStatement =
  | "retention-issues"
  | "retention-tombstones"
  | "retention-receipts"
  | "places-drop"
  | "retention-audit";

async function repeat(chunk: Chunk, maxChunks: number): Promise<Piece | undefined> {
  let dropped = 0;
  for (let count = 0; count < maxChunks; count++) {
    const piece = await chunk();
    if (piece === undefined) return undefined;
    dropped += piece.dropped;
    if (!piece.isMore) return { dropped, isMore: false };
  }
  return { dropped, isMore: true };
}

function inTurn<Result>(
  database: Database,
  piece: (tx: Transaction) => Promise<Result>,
): Promise<Result | undefined> {
  return database.inMaintenance(
    async (tx) => {
      const [lock] = await tx.$queryRaw<{ isOurs: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(${RETENTION_LOCK}) AS "isOurs"`;
      return lock?.isOurs === true ? piece(tx) : undefined;
    },
    { op: "db.retention" },
  );
}

async function dropByAge(
  tx: Transaction,
  text: string,
  days: number,
  chunkRows: number,
): Promise<Piece> {
  const [row] = await runStatement<{ dropped: number }>(tx, text, [days, chunkRows]);
  const dropped = row?.dropped ?? 0;
  return { dropped, isMore: dropped >= chunkRows };
}

interface RunsRow {
  readonly dropped: number;
  readonly storages: number;
  readonly last: number | null;
  readonly is_more: boolean;
}

/** Goes through the storages by id, then begins again. Each piece continues where the last one stood, also that of an earlier call. */
class RunsWalk {
  readonly #database: Database;
  readonly #statement: string;
  readonly #runsPerStorage: number;
  #after = 0;

  constructor(database: Database, statements: Statements, runsPerStorage: number) {
    this.#database = database;
    this.#statement = statements["retention-runs"];
    this.#runsPerStorage = runsPerStorage;
  }

  async next(chunkRows: number): Promise<Piece | undefined> {
    const values = [this.#runsPerStorage, this.#after, STORAGES_PER_CHUNK, chunkRows, chunkRows];
    const row = await inTurn(this.#database, async (tx) => {
      const [found] = await runStatement<RunsRow>(tx, this.#statement, values);
      return found ?? { dropped: 0, storages: 0, last: null, is_more: false };
    });
    if (row === undefined) return undefined;
    const { dropped, storages, last, is_more: isMoreHere } = row;
    if (isMoreHere) return { dropped, isMore: true };
    const isMore = storages === STORAGES_PER_CHUNK;
    this.#after = isMore ? (last ?? 0) : 0;
    return { dropped, isMore };
  }
}
