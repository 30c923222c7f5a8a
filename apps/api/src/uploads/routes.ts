import type { UploadRecord } from "@bucketbridge/db";
import type { PersistentStore } from "@bucketbridge/storage/providers";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AppError, isAppError } from "@bucketbridge/core";
import { clientSignal, onceClosed } from "../client-signal.ts";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../identity.ts";
import { queryValue, toIntId } from "../label-studio/query.ts";
import { proxyObject } from "../media/proxy/proxy-object.ts";
import type { ProxySlots } from "../media/proxy/proxy-slots.ts";
import type { ProjectAccess } from "../project-access.ts";
import { toAvatarKey, toUploadKey } from "./file-keys.ts";

/** What serving uploaded files takes. */
export interface UploadDeps extends Pick<ApiDeps, "files" | "uploads" | "settings"> {
  readonly projectAccess: ProjectAccess;
  readonly proxySlots: ProxySlots;
}

/** Uploaded files, to members of their project. A name is looked up among the rows, never in the store. */
export function registerUploadRoutes(app: FastifyInstance, deps: UploadDeps): void {
  const schema = { tags: ["media"], summary: "An uploaded file" };
  app.route({
    method: ["GET", "HEAD"],
    url: "/data/upload/:id/:fileName",
    config: { permission: "media.view", within: "project" },
    schema,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const { id, fileName } = request.params as { readonly id: string; readonly fileName: string };
      const projectId = toIntId(id);
      const key = projectId === undefined ? undefined : toUploadKey(projectId, fileName);
      return serve(deps, await find(deps, request, key), { request, reply, absent: 404 });
    },
  });
  app.route({
    method: ["GET", "HEAD"],
    url: "/data/avatars/:fileName",
    config: { permission: "media.view" },
    schema: { tags: ["media"], summary: "The picture of a person" },
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const { fileName } = request.params as { readonly fileName: string };
      const upload = await find(deps, request, toAvatarKey(fileName));
      return serve(deps, upload, { request, reply, absent: 404 });
    },
  });
  app.route({
    method: ["GET", "HEAD"],
    url: "/storage-data/uploaded/",
    config: { permission: "media.view" },
    schema,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const key = queryValue(request, "filepath");
      if (key === undefined || key === "") return reply.code(404).send();
      const upload = await find(deps, request, key);
      return serve(deps, upload, { request, reply, absent: 403 });
    },
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Status of what is not there for the caller. */
  readonly absent: 403 | 404;
}

/** Undefined for what does not exist for the caller. */
async function find(
  { uploads, projectAccess }: UploadDeps,
  request: FastifyRequest,
  key: string | undefined,
): Promise<UploadRecord | undefined> {
  // The database takes no such text.
  if (key === undefined || key.includes("\u0000")) return undefined;
  const upload = await uploads.findByKey(identityOf(request).organizationId, key);
  if (upload === undefined || upload.projectId === null) return upload;
  try {
    await projectAccess.assertProjectSeen(request, upload.projectId);
  } catch (error) {
    if (isAppError(error, "not_found")) return undefined;
    throw error;
  }
  return upload;
}

async function serve(
  { files, proxySlots, settings }: UploadDeps,
  upload: UploadRecord | undefined,
  { request, reply, absent }: Exchange,
): Promise<FastifyReply> {
  if (upload === undefined) return reply.code(absent).send();
  const signal = clientSignal(reply);
  const store = await files.open();
  onceClosed(reply.raw, await proxySlots.take(identityOf(request).organizationId, signal));
  const source = { id: upload.id, settingsVersion: 0 };
  const object = { source, store: toReadable(store, upload), key: upload.name };
  return proxyObject({ settings }, object, { request, reply, signal });
}

/** A stored file as the proxy reads objects: what is known of it stands in its row, and its content never changes. */
function toReadable(
  store: PersistentStore,
  upload: UploadRecord,
): Parameters<typeof proxyObject>[1]["store"] {
  const info = {
    key: upload.name,
    size: upload.size,
    etag: upload.sha256,
    modifiedAt: upload.createdAt,
    contentType: upload.contentType,
  };
  return {
    traits: store.traits,
    stat: () => Promise.resolve(info),
    read(_key, { range }, ctx) {
      const { offset = 0, length = upload.size } = range ?? {};
      if (range !== undefined && offset >= upload.size) return Promise.reject(behindEnd());
      return Promise.resolve({ info, body: store.read(upload, { offset, length }, ctx) });
    },
  };
}

function behindEnd(): AppError {
  return new AppError({ code: "invalid_input", message: "the range begins behind the end" });
}
