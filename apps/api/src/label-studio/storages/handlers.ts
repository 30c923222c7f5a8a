import type { StorageRecord, StorageUpdate } from "@bucketbridge/db";
import type { FastifyReply, FastifyRequest } from "fastify";
import { nonFieldError, notFound } from "../../api-error.ts";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { ringRun, ringStarted } from "../../runs/start-and-cancel.ts";
import { bodyOf, FieldReader, type RawFields } from "../fields.ts";
import { toIntId } from "../query.ts";
import { checkBeforeSave } from "./check-connection.ts";
import { emptyDraft, type StorageDraft } from "./draft.ts";
import { readProject } from "./project-field.ts";
import type { StorageKind } from "./storage-kind.ts";
import { refuseProxiedSource } from "./storage-proxy.ts";
import {
  readStorage,
  readStorageOver,
  toStoredDraft,
  touchesConnection,
  type StoredDraft,
} from "./storage-request.ts";
import { changedFields, toEffect } from "./update-effect.ts";
import type { StorageWarning } from "./view.ts";

/** A saved storage and what its type says about it. */
export interface FoundStorage {
  readonly kind: StorageKind;
  readonly storage: StorageRecord;
}

type Deps = Pick<
  ApiDeps,
  | "storages"
  | "stores"
  | "organizations"
  | "projects"
  | "runs"
  | "runRequests"
  | "bell"
  | "settings"
>;

/** A storage that was saved, and what was noticed on the way. */
export interface SavedStorage {
  readonly storage: StorageRecord;
  readonly warnings: readonly StorageWarning[];
}

/** One request as the functions below hand it on. */
interface Body {
  readonly organizationId: number;
  readonly raw: RawFields;
  readonly reader: FieldReader;
}

function readBody(request: FastifyRequest): Body {
  const raw = bodyOf(request);
  return { raw, reader: new FieldReader(raw), organizationId: identityOf(request).organizationId };
}

/** Somebody else saved the same storage in between; so often in a row it is no coincidence. */
const MAX_UPDATE_TRIES = 3;

/** Checks everything, then writes. */
export async function createStorage(
  deps: Deps,
  kind: StorageKind,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<SavedStorage> {
  const body = readBody(request);
  const draft = readStorage(body.reader, body.raw, newDraft(deps, kind, body.raw), kind);
  const projectId = await readProjectOf(deps, body);
  body.reader.finish();
  await refuseProxiedSource(deps, kind, draft, body.organizationId);
  const warnings = await checkBeforeSave(deps, kind, draft, {
    organizationId: body.organizationId,
    storageId: undefined,
    // Without one, finish() has thrown.
    projectId: projectId ?? 0,
    signal: clientSignal(reply),
  });
  const made = {
    ...draft,
    projectId: projectId ?? 0,
    direction: kind.direction,
    provider: kind.shape.name,
  };
  const { organizationId } = body;
  if (!isFilledAtOnce(deps, made))
    return { storage: await deps.storages.create(organizationId, made), warnings };
  const sync = { actorId: identityOf(request).userId, trigger: "created" };
  const { storage, firstRun } = await deps.storages.createFilled(organizationId, made, sync);
  await ringStarted(deps, storage, firstRun);
  return { storage, warnings };
}

/** A new target begins with a sync of all, unless the operator or the storage itself says no (ls-api §1.2). */
function isFilledAtOnce(
  { settings }: Pick<Deps, "settings">,
  storage: Pick<StorageRecord, "direction" | "synchronizable">,
): boolean {
  return storage.direction === "target" && settings.syncOnTargetCreation && storage.synchronizable;
}

/** The operator's format of tasks is for targets that say nothing about their objects. */
function newDraft(
  { settings }: Pick<Deps, "settings">,
  kind: StorageKind,
  raw: RawFields,
): StorageDraft {
  const draft = emptyDraft(kind);
  const isSaid = (raw["subject"] ?? raw["key_template"] ?? undefined) !== undefined;
  return kind.direction === "source" || isSaid ? draft : { ...draft, ...settings.targetDefaults };
}

/** What a validate or preview request describes. Complaints are still in the reader. */
export interface UnsavedStorage {
  readonly draft: StorageDraft;
  readonly reader: FieldReader;
  readonly projectId: number | undefined;
  readonly storageId: number | undefined;
}

/** Reads the body alone, or over the stored storage that its `id` names. Nothing is saved. */
export async function readUnsaved(
  deps: Deps,
  kind: StorageKind,
  request: FastifyRequest,
): Promise<UnsavedStorage> {
  const body = readBody(request);
  const { raw, reader } = body;
  const stored = await findById(deps, kind, body);
  const draft =
    stored === undefined
      ? readStorage(reader, raw, newDraft(deps, kind, raw), kind)
      : readStorageOver(reader, raw, stored, kind);
  const projectId = await readProjectOf(deps, body);
  return { draft, reader, projectId, storageId: toStorageId(raw["id"]) };
}

/** Merges the body over the stored storage, checks the result and saves it. */
export async function updateStorage(
  deps: Deps,
  { kind, storage }: FoundStorage,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<SavedStorage> {
  const { organizationId } = identityOf(request);
  const signal = clientSignal(reply);
  let current: StorageRecord | undefined = storage;
  for (let tries = 0; tries < MAX_UPDATE_TRIES; tries++) {
    if (current === undefined) throw notFound("Storage");
    const { update, warnings } = await readUpdate(
      deps,
      { kind, storage: current },
      request,
      signal,
    );
    const updated = await deps.storages.update(organizationId, storage.id, update);
    if (updated !== undefined) {
      if (updated.nextRunId !== null) await ringRun(deps, organizationId, updated.nextRunId);
      return { storage: updated.storage, warnings };
    }
    current = await findStorage(deps, organizationId, kind, storage.id);
  }
  throw nonFieldError("the storage was changed by somebody else at the same time; try again");
}

/** Undefined for a foreign, deleted or unknown one. */
export function findStorage(
  { storages }: Pick<ApiDeps, "storages">,
  organizationId: number,
  kind: StorageKind,
  storageId: number,
): Promise<StorageRecord | undefined> {
  const filter = { direction: kind.direction, provider: kind.shape.name };
  return storages.find(organizationId, storageId, filter);
}

async function readUpdate(
  deps: Deps,
  { kind, storage }: FoundStorage,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<{ readonly update: StorageUpdate; readonly warnings: readonly StorageWarning[] }> {
  const body = readBody(request);
  const { raw, reader } = body;
  const isReplace = request.method === "PUT";
  const stored = toBase(deps, storage, isReplace);
  const draft = readStorageOver(reader, raw, stored, kind);
  if (isReplace || raw["project"] !== undefined) await checkProjectStays(deps, storage, body);
  reader.finish();
  await refuseProxiedSource(deps, kind, draft, body.organizationId);
  const isConnection = isReplace || touchesConnection(raw, kind);
  const { id: storageId, projectId } = storage;
  const asker = { organizationId: body.organizationId, storageId, projectId, signal };
  const warnings = isConnection ? await checkBeforeSave(deps, kind, draft, asker) : [];
  const update = {
    fields: changedFields(storage, draft),
    secrets: namesSecrets(raw, kind) ? draft.secrets : undefined,
    settingsVersion: storage.settingsVersion,
    effect: toEffect(kind, stored, draft),
  };
  return { update, warnings };
}

/** Unnamed secrets stay as they are stored, readable or not. */
function namesSecrets(raw: RawFields, { fields }: StorageKind): boolean {
  return fields.some(({ secret, name }) => secret && raw[name] !== undefined);
}

/** PUT: what the body leaves out keeps its stored value, except two flags that return to true (ls-api §1.1). */
function toBase({ storages }: Deps, storage: StorageRecord, isReplace: boolean): StoredDraft {
  const stored = toStoredDraft(storage, (one) => storages.openSecrets(one));
  if (!isReplace) return stored;
  return { ...stored, draft: { ...stored.draft, presign: true, synchronizable: true } };
}

function readProjectOf(
  { projects }: Pick<Deps, "projects">,
  { organizationId, raw, reader }: Body,
): Promise<number | undefined> {
  return readProject(
    reader,
    raw,
    async (id) => (await projects.find(organizationId, id)) !== undefined,
  );
}

/** A storage carries its tasks and issues, so it never moves to another project. */
async function checkProjectStays(
  deps: Pick<Deps, "projects">,
  storage: StorageRecord,
  body: Body,
): Promise<void> {
  const projectId = await readProjectOf(deps, body);
  if (projectId === undefined || projectId === storage.projectId) return;
  body.reader.fail("project", "A storage cannot move to another project; create one there.");
}

/** The stored storage that a body names by its `id`. */
async function findById(
  deps: Deps,
  kind: StorageKind,
  { organizationId, raw, reader }: Body,
): Promise<StoredDraft | undefined> {
  const id = raw["id"];
  if (id === undefined || id === null) return undefined;
  const storageId = toStorageId(id);
  const storage =
    storageId === undefined ? undefined : await findStorage(deps, organizationId, kind, storageId);
  if (storage !== undefined) return toStoredDraft(storage, (one) => deps.storages.openSecrets(one));
  reader.fail("id", "Invalid storage ID.");
  return undefined;
}

/** The id of a body; undefined for anything that no storage can have. */
function toStorageId(value: unknown): number | undefined {
  return typeof value === "string" || typeof value === "number"
    ? toIntId(String(value).trim())
    : undefined;
}
