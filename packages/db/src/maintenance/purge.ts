import type { Database, Transaction } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";

/** How far one call goes. */
export interface PurgeOptions {
  /** Rows per transaction, so that nobody waits long for a lock. */
  readonly chunkRows: number;
  /** Transactions of this call; what is left is done by the next one. */
  readonly maxChunks: number;
  /**
   * Only what was deleted at least this long ago. A page or batch that was under way when its storage was deleted must be
   * over, or its rows would come after the purge: the default is twice what a transaction may take.
   */
  readonly minAgeSeconds?: number;
}

const DEFAULT_MIN_AGE_SECONDS = 120;

/** What one call did. */
export interface PurgeResult {
  readonly rows: number;
  readonly storages: number;
  readonly projects: number;
  /** True when deleted storages or projects are left. */
  readonly isMore: boolean;
}

/**
 * Removes what belongs to deleted storages and projects, in chunks. Of a storage: source objects, issues, deliveries, runs; its
 * tasks stay. Of a project: everything. Buckets are not touched. Any number of callers; a killed one loses nothing.
 */
export async function purgeDeleted(
  database: Database,
  options: PurgeOptions,
): Promise<PurgeResult> {
  const statements = loadStatements();
  const total = { rows: 0, storages: 0, projects: 0 };
  const { chunkRows, minAgeSeconds = DEFAULT_MIN_AGE_SECONDS } = options;
  for (let chunk = 0; chunk < options.maxChunks; chunk++) {
    const step = await database.inMaintenance(
      (tx) => purgeStep(tx, statements, { chunkRows, minAgeSeconds }),
      { op: "db.purge" },
    );
    if (step === undefined) return { ...total, isMore: false };
    total.rows += step.rows;
    total.storages += step.storages;
    total.projects += step.projects;
  }
  return { ...total, isMore: true };
}

type Step = Omit<PurgeResult, "isMore">;

/** A chunk of a deleted storage, else of a deleted project without storages; undefined: nothing is left. */
async function purgeStep(
  tx: Transaction,
  statements: Statements,
  { chunkRows, minAgeSeconds }: { readonly chunkRows: number; readonly minAgeSeconds: number },
): Promise<Step | undefined> {
  const [storage] = await tx.$queryRaw<{ id: number }[]>`
    SELECT id FROM storage WHERE deleted_at <= now() - make_interval(secs => ${minAgeSeconds}) ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`;
  if (storage !== undefined) return purgeStorage(tx, statements, storage.id, chunkRows);
  const [project] = await tx.$queryRaw<{ id: number }[]>`
    SELECT p.id FROM project p
    WHERE p.deleted_at <= now() - make_interval(secs => ${minAgeSeconds}) AND NOT EXISTS (SELECT FROM storage s WHERE s.project_id = p.id)
      -- Their bytes go first: nobody would know of them any more.
      AND NOT EXISTS (SELECT FROM upload u WHERE u.project_id = p.id)
      AND NOT EXISTS (SELECT FROM export_snapshot e WHERE e.project_id = p.id)
    ORDER BY p.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`;
  if (project !== undefined) return purgeProject(tx, statements, project.id, chunkRows);
  return undefined;
}

async function purgeStorage(
  tx: Transaction,
  statements: Statements,
  id: number,
  chunkRows: number,
): Promise<Step> {
  const rows = await purgeChunk(tx, statements["purge-storage"], id, chunkRows);
  if (rows > 0) return { rows, storages: 0, projects: 0 };
  await tx.storage.delete({ where: { id }, select: { id: true } });
  return { rows: 0, storages: 1, projects: 0 };
}

async function purgeProject(
  tx: Transaction,
  statements: Statements,
  id: number,
  chunkRows: number,
): Promise<Step> {
  const rows = await purgeChunk(tx, statements["purge-project"], id, chunkRows);
  if (rows > 0) return { rows, storages: 0, projects: 0 };
  await tx.project.delete({ where: { id }, select: { id: true } });
  return { rows: 0, storages: 0, projects: 1 };
}

async function purgeChunk(
  tx: Transaction,
  text: string,
  id: number,
  chunkRows: number,
): Promise<number> {
  const [row] = await runStatement<{ purged: number }>(tx, text, [id, chunkRows]);
  return row?.purged ?? 0;
}
