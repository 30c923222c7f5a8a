import type { MediaSource, ProjectMedia } from "@bucketbridge/db";
import { compileUserPattern, hasReference, type ResolvedReference } from "@bucketbridge/sync";
import type { FastifyRequest } from "fastify";
import { identityOf } from "../../identity.ts";
import { queryValue, toBigId, toIntId } from "../../label-studio/query.ts";
import { decodeFileUri } from "../file-uri.ts";
import type { ResolveDeps } from "./serve-reference.ts";

/** What serves a reference, or the status of a refusal without a body. */
export type FoundReference =
  | {
      readonly source: MediaSource;
      readonly key: string;
      readonly ttlCeilingMinutes: number | null;
    }
  | { readonly status: 400 | 404 };

const MISSING = { status: 404 } as const;

/** Serves only references that occur in the data of the task: any other key of the bucket is 404. */
export async function findTaskReference(
  deps: ResolveDeps,
  request: FastifyRequest,
): Promise<FoundReference> {
  const taskId = toBigId(pathText(request));
  const { organizationId } = identityOf(request);
  const media =
    taskId === undefined ? undefined : await deps.media.findTask(organizationId, taskId);
  if (media === undefined) return MISSING;
  const reference = readReference(request);
  if (typeof reference !== "string") return reference;
  const sources = await deps.references.of(media.sources);
  const resolved = sources.resolve(reference, media.ownStorageId);
  if (resolved === undefined) return MISSING;
  if (!hasReference(media.data, sources.prefixes, reference)) return MISSING;
  return toFound(media, resolved);
}

/** For files that point to files (HTML, CSV): prefix and filter of a source bound the keys. */
export async function findProjectReference(
  deps: ResolveDeps,
  request: FastifyRequest,
): Promise<FoundReference> {
  const projectId = toIntId(pathText(request));
  const { organizationId } = identityOf(request);
  const media =
    projectId === undefined ? undefined : await deps.media.findProject(organizationId, projectId);
  if (media === undefined) return MISSING;
  const reference = readReference(request);
  if (typeof reference !== "string") return reference;
  const bound = media.sources.map((source) => ({ ...source, restrictToPrefix: true }));
  const sources = await deps.references.of(bound);
  const resolved = sources.resolve(reference, null, ({ storageId, key }) =>
    media.sources.some((source) => source.id === storageId && isImported(source, key)),
  );
  return resolved === undefined ? MISSING : toFound(media, resolved);
}

function readReference(request: FastifyRequest): string | { readonly status: 400 | 404 } {
  const text = queryValue(request, "fileuri");
  if (text === undefined || text === "") return { status: 400 };
  return decodeFileUri(text) ?? MISSING;
}

function isImported({ regexFilter }: MediaSource, key: string): boolean {
  if (regexFilter === null || regexFilter === "") return true;
  return compileUserPattern(regexFilter).test(key);
}

function toFound(media: ProjectMedia, { storageId, key }: ResolvedReference): FoundReference {
  const source = media.sources.find(({ id }) => id === storageId);
  if (source === undefined) return MISSING;
  return { source, key, ttlCeilingMinutes: media.presignTtlCeilingMinutes };
}

function pathText(request: FastifyRequest): string | undefined {
  return (request.params as Readonly<Record<string, string | undefined>>)["id"];
}
