import { isAppError } from "@bucketbridge/core";
import type { NewUpload } from "@bucketbridge/db";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { forbidden, nonFieldError, notFound } from "../api-error.ts";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../identity.ts";
import { pathId } from "../label-studio/query.ts";
import { toAvatarKey } from "./file-keys.ts";
import { toUploadName } from "./upload-name.ts";

/** What pictures of people take. */
type AvatarDeps = Pick<ApiDeps, "files" | "uploads" | "users">;

const MAX_AVATAR_BYTES = 1024 * 1024;

/** By the first bytes: a name says nothing. */
const TYPES: readonly (readonly [hex: string, mediaType: string])[] = [
  ["ffd8ff", "image/jpeg"],
  ["89504e470d0a1a0a", "image/png"],
  ["47494638", "image/gif"],
];

/** People set and remove their own picture. The scope takes forms as they come. */
export function registerAvatarRoutes(app: FastifyInstance, deps: AvatarDeps): void {
  const route = {
    config: { permission: "avatar.any", within: "person" },
    schema: { tags: ["users"] },
  } as const;
  app.post("/api/users/:id/avatar/", route, async (request) => {
    await assertSelf(deps, request);
    await replace(deps, request, await receive(deps, request));
    return { detail: "avatar saved" };
  });
  app.delete("/api/users/:id/avatar/", route, async (request, reply) => {
    await assertSelf(deps, request);
    await replace(deps, request, null);
    return reply.code(204).send();
  });
}

async function assertSelf({ users }: AvatarDeps, request: FastifyRequest): Promise<void> {
  const { organizationId, userId } = identityOf(request);
  const id = pathId(request, "User");
  if (id === userId) return;
  if ((await users.findMember(organizationId, id)) === undefined) throw notFound("User");
  throw forbidden();
}

async function receive({ files }: AvatarDeps, request: FastifyRequest): Promise<NewUpload> {
  const limits = { fileSize: MAX_AVATAR_BYTES + 1, files: 1 };
  const part = request.isMultipart() ? await request.file({ limits }) : undefined;
  if (part === undefined) throw nonFieldError("No image was uploaded");
  const bytes = await part.toBuffer();
  if (bytes.byteLength > MAX_AVATAR_BYTES)
    throw nonFieldError(`Avatar file size may not exceed ${String(MAX_AVATAR_BYTES / 1024)} Kb`);
  const start = bytes.subarray(0, 8).toString("hex");
  const type = TYPES.find(([magic]) => start.startsWith(magic));
  if (type === undefined) throw nonFieldError("Please use a JPEG, GIF or PNG image.");
  const [, contentType] = type;
  const name = toUploadName(part.filename);
  const key = toAvatarKey(name);
  const ctx = { signal: request.signal };
  const options = { contentType, maxBytes: MAX_AVATAR_BYTES };
  const { size, sha256 } = await (await files.open()).put(key, toBody(bytes), options, ctx);
  const { userId } = identityOf(request);
  return { projectId: null, createdById: userId, key, name, contentType, size, sha256 };
}

async function replace(
  { files, uploads }: AvatarDeps,
  request: FastifyRequest,
  upload: NewUpload | null,
): Promise<void> {
  const { organizationId, userId } = identityOf(request);
  const before = await uploads.setAvatar(organizationId, userId, upload);
  if (before.length === 0) return;
  const store = await files.open();
  for (const old of before) {
    try {
      await store.delete(old, { signal: request.signal });
    } catch (error) {
      if (!isAppError(error)) throw error;
      request.log.warn({ err: error, key: old.key }, "upload.discard.failed");
    }
  }
}

async function* toBody(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes);
}
