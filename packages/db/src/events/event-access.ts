import { AppError, type Secret } from "@bucketbridge/core";
import type { Prisma } from "../../generated/prisma/client.ts";
import type { Database, Transaction } from "../client.ts";

/** A key that signs the events of a project. Its secret is shown once, when it is made. */
export interface EventKeyRecord {
  readonly id: number;
  readonly projectId: number;
  readonly createdAt: Date;
}

/** An earlier answer to the same batch. */
export interface EventReceipt {
  /** SHA-256 of the body that was answered: another body under the same key is a mistake of the sender. */
  readonly bodyHash: Uint8Array;
  readonly response: unknown;
}

/** The header that Label Studio's hooks of a project carry. */
export interface WebhookHeader {
  readonly headerName: string;
  /** SHA-256 of its value. */
  readonly secretHash: Uint8Array;
}

/** Who may send events, and what they were answered. */
export interface EventAccessRepository {
  /** Keys in force, oldest first. */
  listKeys(organizationId: number, projectId: number): Promise<readonly EventKeyRecord[]>;
  /** The secrets of the keys in force, to check a signature against each. Unreadable ones are left out. */
  openKeys(organizationId: number, projectId: number): Promise<readonly Secret[]>;
  /** Two are in force at most (`precondition_failed` / `event_key.two` beyond). Undefined: no such project. */
  addKey(
    organizationId: number,
    projectId: number,
    secret: Secret,
  ): Promise<EventKeyRecord | undefined>;
  /** From its commit on the key signs nothing. False: it was not in force. */
  revokeKey(organizationId: number, projectId: number, keyId: number): Promise<boolean>;
  findReceipt(
    organizationId: number,
    projectId: number,
    idempotencyKey: string,
  ): Promise<EventReceipt | undefined>;
  /** The first one that is kept wins; returns what is kept. */
  keepReceipt(
    organizationId: number,
    projectId: number,
    receipt: EventReceipt & { readonly idempotencyKey: string },
  ): Promise<EventReceipt>;
  /** The organisation of a project, for a request that proves by its signature or header who it is. */
  findOrganization(projectId: number): Promise<number | undefined>;
  findWebhook(organizationId: number, projectId: number): Promise<WebhookHeader | undefined>;
  /** Undefined turns the webhook off. */
  setWebhook(
    organizationId: number,
    projectId: number,
    header: WebhookHeader | undefined,
  ): Promise<void>;
}

/** One signs, the other takes its place. */
const MAX_KEYS = 2;

/** Repository over `database`. */
export function createEventAccessRepository(database: Database): EventAccessRepository {
  const op = { op: "db.events" };
  const scoped = <T>(organizationId: number, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    database.inOrganization(organizationId, work, op);
  return {
    listKeys: (organizationId, projectId) =>
      scoped(organizationId, async (tx) => (await listKeys(tx, projectId)).map(toKey)),
    openKeys: (organizationId, projectId) =>
      scoped(organizationId, async (tx) =>
        (await listKeys(tx, projectId)).flatMap((row) => openKey(database, row)),
      ),
    addKey: (organizationId, projectId, secret) =>
      scoped(organizationId, (tx) => addKey(tx, database, { organizationId, projectId }, secret)),
    revokeKey: (organizationId, projectId, id) =>
      scoped(organizationId, async (tx) => {
        const revoked = await tx.$executeRaw`
          UPDATE event_key SET revoked_at = now(), secret = NULL WHERE id = ${id} AND project_id = ${projectId} AND revoked_at IS NULL`;
        return revoked > 0;
      }),
    findReceipt: (organizationId, projectId, idempotencyKey) =>
      scoped(organizationId, (tx) => findReceipt(tx, projectId, idempotencyKey)),
    keepReceipt: (organizationId, projectId, receipt) =>
      scoped(organizationId, (tx) => keepReceipt(tx, { organizationId, projectId }, receipt)),
    findOrganization: (projectId) =>
      database.inMaintenance(async (tx) => {
        const project = await tx.project.findFirst({
          where: { id: projectId, deletedAt: null },
          select: { organizationId: true },
        });
        return project?.organizationId;
      }, op),
    findWebhook: (organizationId, projectId) =>
      scoped(organizationId, async (tx) => {
        const row = await tx.labelStudioWebhook.findUnique({ where: { projectId } });
        return row === null
          ? undefined
          : { headerName: row.headerName, secretHash: row.secretHash };
      }),
    setWebhook: (organizationId, projectId, header) =>
      scoped(organizationId, (tx) => setWebhook(tx, { organizationId, projectId }, header)),
  };
}

interface ProjectKey {
  readonly organizationId: number;
  readonly projectId: number;
}
type KeyRow = Prisma.EventKeyGetPayload<object>;

function listKeys(tx: Transaction, projectId: number): Promise<KeyRow[]> {
  return tx.eventKey.findMany({ where: { projectId, revokedAt: null }, orderBy: { id: "asc" } });
}

async function addKey(
  tx: Transaction,
  database: Database,
  { organizationId, projectId }: ProjectKey,
  secret: Secret,
): Promise<EventKeyRecord | undefined> {
  // Two requests at once count one after the other.
  const held = await tx.$queryRaw<unknown[]>`
    SELECT id FROM project WHERE id = ${projectId} AND deleted_at IS NULL FOR NO KEY UPDATE`;
  if (held.length === 0) return undefined;
  if ((await listKeys(tx, projectId)).length >= MAX_KEYS) {
    throw new AppError({
      code: "precondition_failed",
      reason: "event_key.two",
      op: "db.events",
      message: "two event keys are in force already; revoke the older one first",
    });
  }
  const { id } = await tx.eventKey.create({ data: { organizationId, projectId } });
  const sealed = database.keyRing.seal(
    { secret: secret.reveal() },
    { organizationId, eventKeyId: id },
  );
  return toKey(await tx.eventKey.update({ where: { id }, data: { secret: sealed } }));
}

function openKey({ keyRing }: Database, row: KeyRow): Secret[] {
  if (row.secret === null) return [];
  const owner = { organizationId: row.organizationId, eventKeyId: row.id };
  const secret = keyRing.openOne(row.secret, owner, "secret");
  return secret === undefined ? [] : [secret];
}

async function findReceipt(
  tx: Transaction,
  projectId: number,
  idempotencyKey: string,
): Promise<EventReceipt | undefined> {
  const row = await tx.eventReceipt.findUnique({
    where: { projectId_idempotencyKey: { projectId, idempotencyKey } },
  });
  return row === null ? undefined : { bodyHash: row.bodyHash, response: row.response };
}

async function keepReceipt(
  tx: Transaction,
  { organizationId, projectId }: ProjectKey,
  receipt: EventReceipt & { readonly idempotencyKey: string },
): Promise<EventReceipt> {
  const { idempotencyKey, bodyHash, response } = receipt;
  await tx.$executeRaw`
    INSERT INTO event_receipt (organization_id, project_id, idempotency_key, body_hash, response)
    VALUES (${organizationId}, ${projectId}, ${idempotencyKey}, ${bodyHash}, ${JSON.stringify(response)}::jsonb)
    ON CONFLICT DO NOTHING`;
  return (await findReceipt(tx, projectId, idempotencyKey)) ?? { bodyHash, response };
}

async function setWebhook(
  tx: Transaction,
  { organizationId, projectId }: ProjectKey,
  header: WebhookHeader | undefined,
): Promise<void> {
  if (header === undefined) {
    await tx.labelStudioWebhook.deleteMany({ where: { projectId } });
    return;
  }
  const { headerName } = header;
  const secretHash = new Uint8Array(header.secretHash);
  await tx.labelStudioWebhook.upsert({
    where: { projectId },
    create: { projectId, organizationId, headerName, secretHash },
    update: { headerName, secretHash },
  });
}

function toKey(row: KeyRow): EventKeyRecord {
  return { id: row.id, projectId: row.projectId, createdAt: row.createdAt };
}
