import type { Database } from "../client.ts";
import { loadStatements, runStatement, type Statements } from "../statements.ts";
import type { RunKey } from "./records.ts";

/** A target that may write where a source reads. */
export interface ExportPlaceRecord {
  readonly targetId: number;
  readonly projectId: number;
  readonly provider: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly prefix: string | null;
}

/** What targets wrote, as the scan of a source asks for it. */
export class OwnExportsStore {
  readonly #database: Database;
  readonly #statements: Statements;

  constructor(database: Database, statements: Statements = loadStatements()) {
    this.#database = database;
    this.#statements = statements;
  }

  /** Targets of the organisation. */
  async listTargets(run: RunKey): Promise<readonly ExportPlaceRecord[]> {
    const rows = await this.#database.inOrganization(
      run.organizationId,
      (tx) =>
        tx.storage.findMany({
          where: { direction: "target", deletedAt: null },
          orderBy: { id: "asc" },
          select: { id: true, projectId: true, provider: true, settings: true, prefix: true },
        }),
      { op: "db.exports" },
    );
    return rows.map(({ id, settings, ...rest }) => ({
      ...rest,
      targetId: id,
      settings: settings as Record<string, unknown>,
    }));
  }

  /** Keeps with the run which targets meet its source. */
  async noteOverlap(run: RunKey, targetIds: readonly number[]): Promise<void> {
    const noted = JSON.stringify({ overlapping_targets: targetIds });
    await this.#database.inOrganization(
      run.organizationId,
      (tx) => tx.$executeRaw`
        UPDATE run SET options = options || ${noted}::jsonb
        WHERE id = ${run.runId} AND NOT options @> ${noted}::jsonb`,
      { op: "db.exports" },
    );
  }

  /** For each pair whether that target names the key, at the place where it is now. */
  async findNamed(
    run: RunKey,
    pairs: readonly { readonly targetId: number; readonly key: string }[],
  ): Promise<readonly boolean[]> {
    const values = [pairs.map(({ targetId }) => targetId), pairs.map(({ key }) => key)];
    const rows = await this.#database.inOrganization(
      run.organizationId,
      (tx) => runStatement<{ n: number }>(tx, this.#statements["reconcile-named"], values),
      { op: "db.exports" },
    );
    const named = new Set(rows.map(({ n }) => n - 1));
    return pairs.map((_, index) => named.has(index));
  }
}
