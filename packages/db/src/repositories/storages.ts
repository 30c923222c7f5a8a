import type { Prisma } from "../../generated/prisma/client.ts";
import type { Secret } from "@bucketbridge/core";
import type { Database, Transaction } from "../client.ts";
import type { KeyRing, SecretFields, SecretOwner } from "../secrets/key-ring.ts";
import type { DeliverySubjectName } from "../export/records.ts";
import { lockStorage, restartAfterChange } from "../runs/transitions.ts";
import { loadStatements, runStatement } from "../statements.ts";
import {
  fillTarget,
  keepOldPlace,
  lockProject,
  lockProjectOfTarget,
  restartTarget,
} from "../storages/target-changes.ts";

/** Which way data flow through a storage. */
export type StorageDirectionName = "source" | "target";

/** A saved storage. Its secrets stay sealed until somebody needs them. */
export interface StorageRecord {
  readonly id: number;
  readonly organizationId: number;
  readonly projectId: number;
  readonly direction: StorageDirectionName;
  readonly provider: string;
  readonly title: string | null;
  readonly description: string | null;
  /** Provider fields by their wire names, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly sealedSecrets: Uint8Array | null;
  readonly prefix: string | null;
  readonly regexFilter: string | null;
  readonly useBlobUrls: boolean;
  readonly presign: boolean;
  readonly presignTtl: number;
  readonly recursiveScan: boolean;
  readonly synchronizable: boolean;
  /** Of a source: its prefix bounds what it serves, not only what it imports. */
  readonly restrictToPrefix: boolean;
  /** Of a target: what it holds one object for, and how that is called. */
  readonly subject: DeliverySubjectName;
  readonly keyTemplate: string | null;
  readonly jsonExtension: boolean;
  readonly canDeleteObjects: boolean | null;
  /** Of a target that answers nobody: since when, when it is tried next, and what it said. */
  readonly outage: StorageOutage | null;
  readonly settingsVersion: number;
  readonly createdAt: Date;
}

/** Why nothing is pushed to a target at the moment. */
export interface StorageOutage {
  readonly since: Date;
  readonly nextAttemptAt: Date | null;
  readonly code: string | null;
  readonly message: string | null;
}

/** Which storages; absent fields do not filter. Deleted ones, and those of deleted projects, are never among them. */
export interface StorageFilter {
  readonly direction?: StorageDirectionName | undefined;
  readonly provider?: string | undefined;
  readonly projectId?: number | undefined;
}

/** Everything that a caller decides about a storage. */
export interface StorageFields {
  readonly title: string | null;
  readonly description: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secrets: SecretFields;
  readonly prefix: string | null;
  readonly regexFilter: string | null;
  readonly useBlobUrls: boolean;
  readonly presign: boolean;
  readonly presignTtl: number;
  readonly recursiveScan: boolean;
  readonly synchronizable: boolean;
  /** Of sources; absent: false. */
  readonly restrictToPrefix?: boolean | undefined;
  /** Of targets; absent: per annotation, its id, no ending, nothing is deleted. */
  readonly subject?: DeliverySubjectName | undefined;
  readonly keyTemplate?: string | null | undefined;
  readonly jsonExtension?: boolean | undefined;
  readonly canDeleteObjects?: boolean | null | undefined;
}

/** A storage to be made. */
export interface NewStorage extends StorageFields {
  readonly projectId: number;
  readonly direction: StorageDirectionName;
  readonly provider: string;
}

/** What an update writes. */
export interface StorageUpdate {
  /** Those that change; the others are left to whoever changes them at the same time. */
  readonly fields: Partial<Omit<StorageFields, "secrets">>;
  /** Undefined: the stored ones stay as they are, readable or not. */
  readonly secrets: SecretFields | undefined;
  /** The version that `fields` were merged over; another one at the database makes the update do nothing. */
  readonly settingsVersion: number;
  /** What the change means for a run under way and for the objects that are known. */
  readonly effect: UpdateEffect;
}

/**
 * `none`: nothing. `restart`: a run under way starts anew, with the new settings or credentials. `refilter`: also, what failed or
 * waits is judged anew, since other objects may match. `move`: also, the known objects are those of another place; a target
 * wants everything again there (so it does for other keys or another subject). A target's `canDeleteObjects` alone is `none`.
 */
export type UpdateEffect = "none" | "restart" | "refilter" | "move";

/** Storages: their settings. What happens to runs when one changes is told by the statements of `sql/`. */
export interface StorageRepository {
  /** In the order of their ids. */
  list(organizationId: number, filter: StorageFilter): Promise<readonly StorageRecord[]>;
  /** Undefined for one of another organisation, direction or provider, and for a deleted one. */
  find(
    organizationId: number,
    storageId: number,
    filter: StorageFilter,
  ): Promise<StorageRecord | undefined>;
  /** The project must exist in the organisation (`precondition_failed` otherwise). */
  create(organizationId: number, storage: NewStorage): Promise<StorageRecord>;
  /** The same of a target that begins with a sync of all: both or neither. Ring for the run. */
  createFilled(
    organizationId: number,
    storage: NewStorage,
    sync: { readonly actorId: number | null; readonly trigger: string },
  ): Promise<FilledTarget>;
  /** Undefined when somebody else changed or deleted it meanwhile. */
  update(
    organizationId: number,
    storageId: number,
    update: StorageUpdate,
  ): Promise<StorageUpdated | undefined>;
  /** Marks it deleted and ends its runs as canceled; a job purges what belongs to it. False when it was gone already. */
  remove(organizationId: number, storageId: number): Promise<boolean>;
  /** Decrypts. Unreadable ones are `invalid_config` / `secret.unreadable`. */
  openSecrets(
    storage: Pick<StorageRecord, "id" | "organizationId" | "sealedSecrets">,
  ): Secret<SecretFields>;
}

/** A new target and its first sync. */
export interface FilledTarget {
  readonly storage: StorageRecord;
  readonly firstRun: { readonly runId: number; readonly number: number };
}

/** A storage after its update. */
export interface StorageUpdated {
  readonly storage: StorageRecord;
  /** The run that starts anew under the changed settings; ring for it. */
  readonly nextRunId: number | null;
}

/** Repository over `database`. */
export function createStorageRepository(database: Database): StorageRepository {
  const op = { op: "db.storages" };
  const { keyRing } = database;
  return {
    list: (organizationId, filter) =>
      database.inOrganization(organizationId, (tx) => list(tx, filter), op),
    find: (organizationId, storageId, filter) =>
      database.inOrganization(
        organizationId,
        async (tx) => (await list(tx, filter, storageId))[0],
        op,
      ),
    create: (organizationId, storage) =>
      database.inOrganization(
        organizationId,
        (tx) => create(tx, organizationId, storage, keyRing),
        op,
      ),
    createFilled: (organizationId, storage, sync) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const made = await create(tx, organizationId, storage, keyRing);
          return { storage: made, firstRun: await fillTarget(tx, loadStatements(), made.id, sync) };
        },
        op,
      ),
    update: (organizationId, storageId, update) =>
      database.inOrganization(
        organizationId,
        (tx) => change(tx, { organizationId, storageId }, update, keyRing),
        op,
      ),
    remove: (organizationId, storageId) =>
      database.inOrganization(organizationId, (tx) => remove(tx, storageId), op),
    openSecrets: ({ sealedSecrets, organizationId, id }) =>
      keyRing.open(sealedSecrets, { organizationId, storageId: id }),
  };
}

type StorageOwner = SecretOwner & { readonly storageId: number };
type StorageRow = Prisma.StorageGetPayload<object>;

async function list(
  tx: Transaction,
  { direction, provider, projectId }: StorageFilter,
  storageId?: number,
): Promise<readonly StorageRecord[]> {
  const rows = await tx.storage.findMany({
    where: {
      deletedAt: null,
      project: { deletedAt: null },
      ...(direction === undefined ? {} : { direction }),
      ...(provider === undefined ? {} : { provider }),
      ...(projectId === undefined ? {} : { projectId }),
      ...(storageId === undefined ? {} : { id: storageId }),
    },
    orderBy: { id: "asc" },
  });
  return rows.map(toStorageRecord);
}

async function create(
  tx: Transaction,
  organizationId: number,
  { secrets, ...fields }: NewStorage,
  keyRing: KeyRing,
): Promise<StorageRecord> {
  if (fields.direction === "target") await lockProject(tx, loadStatements(), fields.projectId);
  const row = await tx.storage.create({
    data: { ...toColumns(fields), settings: toJson(fields.settings), organizationId },
  });
  if (Object.keys(secrets).length === 0) return toStorageRecord(row);
  // Sealed secrets are bound to the id, which the insert has just given.
  const sealed = keyRing.seal(secrets, { organizationId, storageId: row.id });
  return toStorageRecord(
    await tx.storage.update({ where: { id: row.id }, data: { secrets: sealed } }),
  );
}

async function change(
  tx: Transaction,
  owner: StorageOwner,
  update: StorageUpdate,
  keyRing: KeyRing,
): Promise<StorageUpdated | undefined> {
  const { storageId: id } = owner;
  const { fields, secrets, settingsVersion } = update;
  await lockProjectOfTarget(tx, loadStatements(), id);
  const isLocked = await lockStorage(tx, loadStatements(), id);
  const before = await tx.storage.findFirst({ where: { id, settingsVersion } });
  if (!isLocked || before === null) return undefined;
  const isTarget = before.direction === "target";
  if (isTarget && update.effect === "move") await keepOldPlace(tx, loadStatements(), id);
  await tx.storage.update({
    where: { id },
    data: {
      ...toColumns(fields),
      settings: toJson(fields.settings ?? (before.settings as Record<string, unknown>)),
      ...(secrets === undefined ? {} : { secrets: sealOrNothing(keyRing, secrets, owner) }),
    },
  });
  await tx.$executeRaw`UPDATE storage SET updated_at = now() WHERE id = ${id}`;
  const loadsAlways = isTarget || before.provider === "redis";
  const becameFiles = !loadsAlways && !before.useBlobUrls && fields.useBlobUrls === true;
  const nextRunId = await applyEffect(tx, id, update, { isTarget, becameFiles });
  const after = await tx.storage.findUniqueOrThrow({ where: { id } });
  return { storage: toStorageRecord(after), nextRunId };
}

/** Ends the run under way and starts the one that takes its place. */
async function applyEffect(
  tx: Transaction,
  storageId: number,
  { effect }: StorageUpdate,
  { isTarget, becameFiles }: { readonly isTarget: boolean; readonly becameFiles: boolean },
): Promise<number | null> {
  if (effect === "none") return null;
  const refiltered = effect === "refilter";
  const restart = { storageId, moved: effect === "move", refiltered, becameFiles };
  return isTarget
    ? restartTarget(tx, loadStatements(), restart)
    : restartAfterChange(tx, loadStatements(), restart);
}

async function remove(tx: Transaction, storageId: number): Promise<boolean> {
  const statements = loadStatements();
  await lockStorage(tx, statements, storageId);
  const deleted = await runStatement(tx, statements["storage-deleted"], [storageId]);
  return deleted.length > 0;
}

function sealOrNothing(
  keyRing: KeyRing,
  secrets: SecretFields,
  owner: SecretOwner,
): Uint8Array<ArrayBuffer> | null {
  return Object.keys(secrets).length === 0 ? null : keyRing.seal(secrets, owner);
}

/** Without the fields that are undefined: they stay as they are, or take their default. */
function toColumns<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>;
}

type Defined<Fields> = { [Name in keyof Fields]: Exclude<Fields[Name], undefined> };

/** Settings are JSON: they came from a request. */
function toJson(settings: Readonly<Record<string, unknown>>): Prisma.InputJsonObject {
  return settings as Prisma.InputJsonObject;
}

/** A row as everybody else sees it. */
function toStorageRecord(row: StorageRow): StorageRecord {
  return {
    id: row.id,
    organizationId: row.organizationId,
    projectId: row.projectId,
    direction: row.direction === "target" ? "target" : "source",
    provider: row.provider,
    title: row.title,
    description: row.description,
    settings: row.settings as Record<string, unknown>,
    sealedSecrets: row.secrets,
    prefix: row.prefix,
    regexFilter: row.regexFilter,
    useBlobUrls: row.useBlobUrls,
    presign: row.presign,
    presignTtl: row.presignTtl,
    recursiveScan: row.recursiveScan,
    synchronizable: row.synchronizable,
    restrictToPrefix: row.restrictToPrefix,
    subject: row.subject === "task" ? "task" : "annotation",
    keyTemplate: row.keyTemplate,
    jsonExtension: row.jsonExtension,
    canDeleteObjects: row.canDeleteObjects,
    outage: toOutage(row),
    settingsVersion: row.settingsVersion,
    createdAt: row.createdAt,
  };
}

function toOutage(row: StorageRow): StorageOutage | null {
  if (row.breakerSince === null) return null;
  return {
    since: row.breakerSince,
    nextAttemptAt: row.breakerUntil,
    code: row.breakerErrorCode,
    message: row.breakerError,
  };
}
