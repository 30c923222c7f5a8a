import { LEASE_SECONDS, toSafeId } from "@bucketbridge/core";
import { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";
import { readSubjects } from "../export/subjects.ts";
import type { ExportSubjectRecord } from "../export/records.ts";
import { loadStatements } from "../statements.ts";

/** State of a snapshot, as the contract names it. */
export type SnapshotStatus = "created" | "in_progress" | "completed" | "failed";

/** Whether tasks of a kind are all that is exported, or what is left out. */
export type TaskChoice = "only" | "exclude";

/** What is exported; an absent choice: everything. */
export interface SnapshotOptions {
  /** Tasks with an annotation of any kind. */
  readonly annotated?: TaskChoice | undefined;
  /** Tasks that are labeled. */
  readonly finished?: TaskChoice | undefined;
  /** Tasks with a skipped annotation. */
  readonly skipped?: TaskChoice | undefined;
  /** Kinds of annotations; none: all of them. */
  readonly annotations?: readonly ("usual" | "ground_truth" | "skipped")[] | undefined;
}

/** One export of a project at one moment. */
export interface SnapshotRecord {
  readonly id: number;
  readonly projectId: number;
  readonly title: string;
  readonly createdById: number | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly status: SnapshotStatus;
  readonly options: SnapshotOptions;
  readonly taskCount: number;
  readonly annotationCount: number;
  readonly errorMessage: string | null;
  /** The file; null until it is complete. */
  readonly file: { readonly key: string; readonly size: number; readonly md5: string } | null;
}

/** What people ask for. */
export interface NewSnapshot {
  readonly projectId: number;
  readonly createdById: number;
  readonly title: string;
  readonly options: SnapshotOptions;
}

/** Which snapshot. */
export interface SnapshotRef {
  readonly organizationId: number;
  readonly snapshotId: number;
}

/** The right to write a snapshot, until its lease ends unrenewed. */
export interface SnapshotClaim extends SnapshotRef {
  readonly epoch: number;
  readonly projectId: number;
  readonly options: SnapshotOptions;
}

/** What was written of a snapshot. */
export interface SnapshotResult {
  readonly key: string;
  readonly size: number;
  readonly md5: string;
  readonly tasks: number;
  readonly annotations: number;
}

/** A snapshot that nobody writes. */
export interface SnapshotFinding extends SnapshotRef {
  readonly title: string;
}

/** Tasks with everything that an export shows, in the order of their ids. */
export interface ExportPageQuery {
  readonly projectId: number;
  /** 0 at first. */
  readonly afterTaskId: number;
  readonly limit: number;
  readonly options: SnapshotOptions;
}

/** Snapshots of an organisation. Those of deleted projects are not there. */
export interface SnapshotRepository {
  /** Undefined: no such project in the organisation. */
  create(organizationId: number, snapshot: NewSnapshot): Promise<SnapshotRecord | undefined>;
  /** Newest first. */
  list(organizationId: number, projectId: number): Promise<readonly SnapshotRecord[]>;
  find(
    organizationId: number,
    projectId: number,
    snapshotId: number,
  ): Promise<SnapshotRecord | undefined>;
  /** What was removed; undefined: it was not there. Its writer finds out when it wants to finish. */
  remove(
    organizationId: number,
    projectId: number,
    snapshotId: number,
  ): Promise<SnapshotRecord | undefined>;
  readPage(organizationId: number, query: ExportPageQuery): Promise<readonly ExportSubjectRecord[]>;
}

/** How workers share snapshots. Every write carries the epoch of the claim; false: the claim is over, another one may write. */
export interface SnapshotWork {
  /** Undefined: it is finished, gone, or another worker's. Its third unfinished claim fails it: it would kill every worker. */
  claim(ref: SnapshotRef): Promise<SnapshotClaim | undefined>;
  renew(claim: SnapshotClaim): Promise<boolean>;
  complete(claim: SnapshotClaim, result: SnapshotResult): Promise<boolean>;
  /** For good. */
  fail(claim: SnapshotClaim, message: string): Promise<boolean>;
  /** Another try may begin at once; this one does not count, since nothing died. */
  release(claim: SnapshotClaim): Promise<void>;
  readPage(organizationId: number, query: ExportPageQuery): Promise<readonly ExportSubjectRecord[]>;
  /** Over all organisations: new ones that nobody took, and those whose lease has ended. */
  findAbandoned(limit: number): Promise<readonly SnapshotFinding[]>;
}

/** Claims of a snapshot that kills its workers. */
const MAX_ATTEMPTS = 3;
/** A ring takes less than this. */
const RING_SECONDS = 5;
const POISON =
  "the export ended three times without a result; the log of the workers tells why, ask for a new one then";

/** Repository over `database`. */
export function createSnapshotRepository(database: Database): SnapshotRepository {
  const op = { op: "db.snapshots" };
  const within = <T>(organizationId: number, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    database.inOrganization(organizationId, work, op);
  return {
    create: (organizationId, { projectId, createdById, title, options }) =>
      within(organizationId, async (tx) => {
        if ((await tx.project.count({ where: { id: projectId, deletedAt: null } })) === 0)
          return undefined;
        const data = { organizationId, projectId, createdById, title, options: { ...options } };
        return toRecord(await tx.exportSnapshot.create({ data: data }));
      }),
    list: (organizationId, projectId) =>
      within(organizationId, async (tx) => {
        const rows = await tx.exportSnapshot.findMany({
          where: { projectId, project: { deletedAt: null } },
          orderBy: { id: "desc" },
        });
        return rows.map(toRecord);
      }),
    find: (organizationId, projectId, id) =>
      within(organizationId, (tx) => findOne(tx, { projectId, id })),
    remove: (organizationId, projectId, id) =>
      within(organizationId, async (tx) => {
        const found = await findOne(tx, { projectId, id });
        if (found !== undefined) await tx.exportSnapshot.deleteMany({ where: { id } });
        return found;
      }),
    readPage: (organizationId, query) => readPage(database, organizationId, query),
  };
}

/** The workers' side over `database`. */
export function createSnapshotWork(
  database: Database,
  leaseSeconds: number = LEASE_SECONDS,
): SnapshotWork {
  const op = { op: "db.snapshots.work" };
  const update = async (claim: SnapshotClaim, assignments: Prisma.Sql): Promise<boolean> => {
    const changed = await database.inOrganization(
      claim.organizationId,
      (tx) => tx.$executeRaw`
        UPDATE export_snapshot SET ${assignments}
        WHERE id = ${claim.snapshotId} AND lease_epoch = ${claim.epoch} AND status = 'in_progress'`,
      op,
    );
    return changed === 1;
  };
  return {
    claim: (ref) =>
      database.inOrganization(ref.organizationId, (tx) => claimOne(tx, ref, leaseSeconds), op),
    renew: (claim) =>
      update(claim, Prisma.sql`lease_until = now() + make_interval(secs => ${leaseSeconds})`),
    complete: (claim, { key, size, md5, tasks, annotations }) =>
      update(
        claim,
        Prisma.sql`status = 'completed', key = ${key}, size = ${size}, md5 = ${md5}, task_count = ${tasks},
          annotation_count = ${annotations}, finished_at = now(), lease_until = NULL`,
      ),
    fail: (claim, message) =>
      update(
        claim,
        Prisma.sql`status = 'failed', error_message = ${message}, finished_at = now(), lease_until = NULL`,
      ),
    async release(claim) {
      await update(
        claim,
        Prisma.sql`status = 'created', lease_until = NULL, attempts = attempts - 1`,
      );
    },
    readPage: (organizationId, query) => readPage(database, organizationId, query),
    findAbandoned: (limit) =>
      database.inMaintenance(
        (tx) => tx.$queryRaw<SnapshotFinding[]>`
          SELECT s.organization_id AS "organizationId", s.id AS "snapshotId", s.title
          FROM export_snapshot s JOIN project p ON p.id = s.project_id AND p.deleted_at IS NULL
          WHERE s.status IN ('created', 'in_progress')
            AND coalesce(s.lease_until, s.created_at + make_interval(secs => ${RING_SECONDS})) < now()
          ORDER BY s.id LIMIT ${limit}`,
        op,
      ),
  };
}

interface ClaimedRow {
  readonly epoch: number;
  readonly projectId: number;
  readonly options: SnapshotOptions;
}

async function claimOne(
  tx: Transaction,
  { organizationId, snapshotId }: SnapshotRef,
  leaseSeconds: number,
): Promise<SnapshotClaim | undefined> {
  const isFree = Prisma.sql`id = ${snapshotId} AND status IN ('created', 'in_progress')
    AND (lease_until IS NULL OR lease_until < now())`;
  await tx.$executeRaw`
    UPDATE export_snapshot SET status = 'failed', error_message = ${POISON}, finished_at = now(), lease_until = NULL
    WHERE ${isFree} AND attempts >= ${MAX_ATTEMPTS}`;
  const [row] = await tx.$queryRaw<ClaimedRow[]>`
    UPDATE export_snapshot SET status = 'in_progress', lease_epoch = lease_epoch + 1, attempts = attempts + 1,
      lease_until = now() + make_interval(secs => ${leaseSeconds})
    WHERE ${isFree} AND EXISTS (SELECT FROM project p WHERE p.id = project_id AND p.deleted_at IS NULL)
    RETURNING lease_epoch AS epoch, project_id AS "projectId", options`;
  return row === undefined ? undefined : { organizationId, snapshotId, ...row };
}

function readPage(
  database: Database,
  organizationId: number,
  { projectId, afterTaskId, limit, options }: ExportPageQuery,
): Promise<readonly ExportSubjectRecord[]> {
  return database.inOrganization(
    organizationId,
    async (tx) => {
      const rows = await tx.$queryRaw<{ id: bigint }[]>`
        SELECT t.id FROM task t
        WHERE t.project_id = ${projectId} AND t.id > ${afterTaskId}::bigint AND ${toCondition(options)}
        ORDER BY t.id LIMIT ${limit}`;
      const wanted = rows.map(({ id }) => ({ subjectId: toSafeId(id) }));
      const subjects = await readSubjects(tx, loadStatements(), "task", wanted);
      return wanted.flatMap(({ subjectId }) => subjects.get(subjectId) ?? []);
    },
    { op: "db.snapshots.page" },
  );
}

function toCondition({ annotated, finished, skipped }: SnapshotOptions): Prisma.Sql {
  const conditions = [
    choose(annotated, Prisma.sql`EXISTS (SELECT FROM annotation a WHERE a.task_id = t.id)`),
    choose(finished, Prisma.sql`t.is_labeled`),
    choose(skipped, Prisma.sql`t.cancelled_annotations > 0`),
  ];
  return Prisma.join(conditions, " AND ");
}

function choose(choice: TaskChoice | undefined, condition: Prisma.Sql): Prisma.Sql {
  if (choice === undefined) return Prisma.sql`TRUE`;
  return choice === "only" ? condition : Prisma.sql`NOT (${condition})`;
}

type SnapshotRow = Prisma.ExportSnapshotGetPayload<object>;

async function findOne(
  tx: Transaction,
  where: { readonly projectId: number; readonly id: number },
): Promise<SnapshotRecord | undefined> {
  const row = await tx.exportSnapshot.findFirst({
    where: { ...where, project: { deletedAt: null } },
  });
  return row === null ? undefined : toRecord(row);
}

function toRecord(row: SnapshotRow): SnapshotRecord {
  const { key, size, md5 } = row;
  return {
    id: row.id,
    projectId: row.projectId,
    title: row.title,
    createdById: row.createdById,
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
    status: row.status as SnapshotStatus,
    options: row.options as SnapshotOptions,
    taskCount: row.taskCount,
    annotationCount: row.annotationCount,
    errorMessage: row.errorMessage,
    file: key === null || size === null || md5 === null ? null : { key, size: Number(size), md5 },
  };
}
