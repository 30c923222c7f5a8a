import type { Database } from "../client.ts";
import { createImportStores, type ImportStores } from "../import/import-stores.ts";
import type {
  ClaimedObjectRecord,
  LoadBatchRecord,
  LoadRowRecord,
  RunKey,
  ScanPageRecord,
  UnitLeaseRecord,
} from "../import/records.ts";
import { requestRun, type RunRequest } from "../runs/request.ts";
import type { Statements } from "../statements.ts";
import { defined } from "./test-database.ts";

/** An organisation with a project and a source. */
export interface World {
  readonly organizationId: number;
  readonly userId: number;
  readonly projectId: number;
  readonly storageId: number;
}

/** Makes a world of its own, so that tests of one file do not meet. */
export async function makeWorld(
  db: Database,
  storage: { readonly useBlobUrls?: boolean; readonly maximumAnnotations?: number } = {},
): Promise<World> {
  return db.inMaintenance(async (tx) => {
    const { id: organizationId } = await tx.organization.create({ data: { title: "o" } });
    const email = `creator-${String(organizationId)}@example.com`;
    const { id: userId } = await tx.user.create({
      data: { email, activeOrganizationId: organizationId },
    });
    await tx.membership.create({ data: { organizationId, userId, role: "owner" } });
    const { id: projectId } = await tx.project.create({
      data: {
        organizationId,
        title: "p",
        createdById: userId,
        maximumAnnotations: storage.maximumAnnotations ?? 1,
      },
    });
    const { id: storageId } = await tx.storage.create({
      data: {
        organizationId,
        projectId,
        direction: "source",
        provider: "s3",
        useBlobUrls: storage.useBlobUrls ?? false,
      },
    });
    return { organizationId, userId, projectId, storageId };
  });
}

/** A listing page with defaults; columns are made as long as `keys`. */
export function aPage(
  keys: readonly string[],
  more: Partial<ScanPageRecord> & { readonly etag?: string | null } = {},
): ScanPageRecord {
  const { etag = "e1", ...rest } = more;
  return {
    keys,
    sizes: keys.map(() => 10),
    etags: keys.map(() => etag),
    modified: keys.map(() => 1_700_000_000_000),
    failures: keys.map(() => null),
    refused: [],
    cursor: null,
    endOfUnit: true,
    skipped: 0,
    lastKey: keys.at(-1) ?? null,
    ordered: true,
    ...rest,
  };
}

/** A good row with defaults. */
export function aRow(rowIndex: number, more: Partial<LoadRowRecord> = {}): LoadRowRecord {
  return {
    rowIndex,
    data: JSON.stringify({ row: rowIndex }),
    meta: null,
    allowSkip: true,
    annotations: [],
    predictions: [],
    ...more,
  };
}

/** A batch with defaults: all rows good, the object finished. */
export function aBatch(
  object: ClaimedObjectRecord,
  rows: readonly number[],
  more: Partial<LoadBatchRecord> = {},
): LoadBatchRecord {
  return {
    object,
    rows: rows.map((rowIndex) => aRow(rowIndex)),
    badRows: [],
    rowsRead: rows.length + (more.badRows?.length ?? 0),
    byteOffset: null,
    finished: true,
    etag: object.etag,
    replace: false,
    slot: 0,
    ...more,
  };
}

/** A bad row with defaults. */
export function aBadRow(rowIndex: number): LoadBatchRecord["badRows"][number] {
  return { rowIndex, byteOffset: rowIndex * 10, code: "row_invalid", message: "not an object" };
}

/** One worker in one world: the stores and the steps that every test takes. */
export class TestWorker {
  readonly stores: ImportStores;
  readonly world: World;
  readonly #db: Database;
  readonly #statements: Statements | undefined;

  constructor(db: Database, world: World, statements?: Statements) {
    this.#db = db;
    this.world = world;
    this.#statements = statements;
    this.stores = createImportStores(db, statements === undefined ? {} : { statements });
  }

  /** Asks for a run and returns it; it is queued unless another one is active. */
  async ask(kind: RunRequest["kind"] = "sync"): Promise<RunKey> {
    const { organizationId, storageId } = this.world;
    const request = { organizationId, storageId, kind, trigger: "api", actorId: null };
    const asked = await requestRun(this.#db, request, this.#statements);
    return { organizationId, runId: defined(asked).runId };
  }

  /** Asks for a run and takes its unit. */
  async list(kind: RunRequest["kind"] = "sync"): Promise<{ run: RunKey; lease: UnitLeaseRecord }> {
    const run = await this.ask(kind);
    return { run, lease: defined(await this.stores.scans.takeUnit(run, "worker")) };
  }

  /** A page of the method of the world's storage. */
  async page(
    lease: UnitLeaseRecord,
    page: ScanPageRecord,
  ): Promise<Awaited<ReturnType<ImportStores["scans"]["insertTasksPage"]>>> {
    if (!lease.source.useBlobUrls) return this.stores.scans.insertTasksPage(lease, page);
    const references = page.keys.map((key) => `s3://bucket/${key}`);
    return this.stores.scans.insertFilesPage(lease, page, { references });
  }

  /** Claims at most `objects` objects. */
  claim(run: RunKey, objects = 64, bytes = 1e9): Promise<readonly ClaimedObjectRecord[]> {
    return this.stores.loads.claim(run, "worker", { objects, bytes });
  }

  /** Claims one object, which must be there. */
  async claimOne(run: RunKey): Promise<ClaimedObjectRecord> {
    return defined((await this.claim(run, 1))[0]);
  }

  /** Claims everything that is due and loads `rows` of each. */
  async loadAll(run: RunKey, rows: readonly number[] = [0]): Promise<number> {
    let loaded = 0;
    for (;;) {
      const objects = await this.claim(run);
      if (objects.length === 0) return loaded;
      for (const object of objects) await this.stores.loads.saveBatch(run, aBatch(object, rows));
      loaded += objects.length;
    }
  }
}
