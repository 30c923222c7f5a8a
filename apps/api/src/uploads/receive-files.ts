import { isAppError } from "@bucketbridge/core";
import type { UploadRecord } from "@bucketbridge/db";
import type { PersistentStore } from "@bucketbridge/storage/providers";
import type { FastifyRequest } from "fastify";
import { badRequest, nonFieldError, notFound, tooLarge } from "../api-error.ts";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../identity.ts";
import { mediaTypeOf } from "../media/media-type.ts";
import { toUploadKey, toUploadUrl } from "./file-keys.ts";
import { readItems, toFileKind } from "./read-items.ts";
import { toUploadName } from "./upload-name.ts";

/** Files of one request; as many as the contract takes. */
const MAX_FILES = 100;
const MAX_FIELDS = 100;

/** What receiving takes. */
export type ReceiveDeps = Pick<ApiDeps, "files" | "uploads" | "settings">;

/** A file that was stored, and what it brings. */
export interface ReceivedFile {
  readonly upload: UploadRecord;
  /** Items as a JSON body of the import would have them. */
  readonly items: readonly unknown[];
}

/** All files of a multipart request, or none: what was stored before a failure is taken away again. */
export async function receiveFiles(
  deps: ReceiveDeps,
  request: FastifyRequest,
  projectId: number,
): Promise<readonly ReceivedFile[]> {
  const { maxBytes } = deps.settings.uploads;
  // The store counts too, and refuses the byte that the parser lets through.
  const limits = { fileSize: maxBytes + 1, files: MAX_FILES, fields: MAX_FIELDS };
  const received: ReceivedFile[] = [];
  try {
    for await (const part of request.parts({ limits }))
      if (part.type === "file") received.push(await receive(deps, request, projectId, part));
    if (received.length === 0) throw nonFieldError("load_tasks: No files were uploaded");
    return received;
  } catch (error) {
    await discardFiles(deps, request, received);
    throw toRefusal(error);
  }
}

/** Takes files away that nothing points to. What cannot be removed stays in the store, unseen. */
export async function discardFiles(
  { files, uploads }: ReceiveDeps,
  request: FastifyRequest,
  received: readonly ReceivedFile[],
): Promise<void> {
  if (received.length === 0) return;
  const { organizationId } = identityOf(request);
  const store = await files.open();
  for (const { upload } of received) {
    await uploads.remove(organizationId, upload.id);
    await store.delete(upload, { signal: request.signal }).catch((error: unknown) => {
      request.log.warn({ err: error, key: upload.key }, "upload.discard.failed");
    });
  }
}

interface FilePart {
  readonly filename: string;
  readonly file: AsyncIterable<Uint8Array>;
}

async function receive(
  { files, uploads, settings }: ReceiveDeps,
  request: FastifyRequest,
  projectId: number,
  { filename, file }: FilePart,
): Promise<ReceivedFile> {
  const name = toUploadName(filename);
  const kind = toFileKind(filename);
  const { maxBytes, maxDataBytes } = settings.uploads;
  const isData = kind !== "media";
  const kept: Uint8Array[] = [];
  const store = await files.open();
  const key = toUploadKey(projectId, name);
  const options = {
    contentType: mediaTypeOf(name),
    maxBytes: isData ? Math.min(maxBytes, maxDataBytes) : maxBytes,
  };
  const body = isData ? keeping(file, kept) : file;
  const ctx = { signal: request.signal };
  const { size, sha256 } = await store.put(key, body, options, ctx);
  const url = toUploadUrl(projectId, name);
  try {
    const items = readItems({ name: filename, url }, kind, Buffer.concat(kept));
    const { organizationId, userId } = identityOf(request);
    const { contentType } = options;
    const about = { projectId, createdById: userId, key, name, contentType, size, sha256 };
    const upload = await uploads.add(organizationId, about);
    if (upload === undefined) throw notFound("Project");
    return { upload, items };
  } catch (error) {
    await dropBytes(store, { key, size }, request);
    throw error;
  }
}

async function dropBytes(
  store: PersistentStore,
  file: { readonly key: string; readonly size: number },
  request: FastifyRequest,
): Promise<void> {
  await store.delete(file, { signal: request.signal }).catch((error: unknown) => {
    request.log.warn({ err: error, key: file.key }, "upload.discard.failed");
  });
}

/** Passes the bytes on and remembers them; the store counts them and stops an endless body. */
async function* keeping(
  body: AsyncIterable<Uint8Array>,
  kept: Uint8Array[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    kept.push(chunk);
    yield chunk;
  }
}

/** What the parser and the store refuse, in the words and with the status of the wire. */
function toRefusal(error: unknown): unknown {
  if (isAppError(error))
    return error.reason === "persistence.too_large" ? tooLarge(error.message) : error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "FST_FILES_LIMIT")
    return tooLarge(`A request takes ${String(MAX_FILES)} files; send the others in another one.`);
  if (code === "FST_FIELDS_LIMIT" || code === "FST_PARTS_LIMIT")
    return tooLarge("The form has too many fields.");
  if (typeof code === "string" && code.startsWith("FST_")) return error;
  // What the parser says of a body that ends in the middle of a part.
  if (error instanceof Error && /Unexpected end of|Part terminated early/i.test(error.message))
    return badRequest("Multipart form parse error - the body ended too early");
  return error;
}
