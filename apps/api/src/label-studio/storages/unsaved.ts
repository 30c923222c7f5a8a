import { isAppError } from "@bucketbridge/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { nonFieldError } from "../../api-error.ts";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { pageOrigin } from "../../page-origin.ts";
import { queryFlag } from "../query.ts";
import { checkConnection, toCheckError, toFullSettings, toScope } from "./check-connection.ts";
import type { CheckStep } from "./check-steps.ts";
import { checkDeeply } from "./deep-check.ts";
import { readUnsaved } from "./handlers.ts";
import { previewFiles, type PreviewFile } from "./preview.ts";
import type { StorageKind } from "./storage-kind.ts";
import type { StorageWarning } from "./view.ts";
import { findOverlaps } from "./warnings.ts";

/** A preview is for eyes; the whole list is what a dry run gives. */
const MAX_PREVIEW_FILES = 10_000;

interface ValidationReport {
  readonly warnings: readonly StorageWarning[];
  /** Only with `?deep=true`. */
  readonly steps?: readonly CheckStep[];
}

/**
 * `POST …/validate`: nothing is saved. Empty unless there is something to say or `?deep=true` asks for the steps, which then tell
 * what fails: a failed step is no error of the request.
 */
export async function validateStorage(
  deps: ApiDeps,
  kind: StorageKind,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<ValidationReport | undefined> {
  const { draft, reader, projectId, storageId } = await readUnsaved(deps, kind, request);
  reader.finish();
  const { organizationId } = identityOf(request);
  // Without a project, finish() has thrown.
  const asker = {
    organizationId,
    storageId,
    projectId: projectId ?? 0,
    signal: clientSignal(reply),
  };
  const place = { id: storageId, organizationId, projectId: asker.projectId };
  const found: ValidationReport = queryFlag(request, "deep")
    ? await checkDeeply({ deps, kind, draft, asker, origin: pageOrigin(deps, request) })
    : { warnings: await checkConnection(deps, kind, draft, asker) };
  const warnings = [...found.warnings, ...(await findOverlaps(deps, kind, { ...draft, ...place }))];
  return warnings.length === 0 && found.steps === undefined ? undefined : { ...found, warnings };
}

interface Preview {
  readonly files: readonly PreviewFile[];
  /** Only when nothing was found and the provider knows why that happens. */
  readonly warnings?: readonly StorageWarning[];
}

/** `POST …/files`: the first objects that a sync would take. Nothing is saved. */
export async function previewStorage(
  deps: ApiDeps,
  kind: StorageKind,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Preview> {
  const { draft, reader, storageId, projectId } = await readUnsaved(deps, kind, request);
  const { organizationId } = identityOf(request);
  const asked = reader.integer("limit", { min: 0, max: MAX_PREVIEW_FILES });
  reader.finish();
  const signal = clientSignal(reply);
  const asker = { organizationId, storageId, projectId: projectId ?? 0, signal };
  await checkConnection(deps, kind, draft, asker);
  const limit = Math.max(1, asked ?? deps.settings.lists.previewFiles);
  const scope = toScope(kind, draft, asker);
  const open = await deps.stores.open(kind.definition, toFullSettings(draft), scope);
  try {
    const files = await previewFiles(open, draft, { limit, signal });
    const hint =
      files.length > 0
        ? undefined
        : kind.definition.emptyHint?.(toFullSettings(draft), draft.prefix ?? "");
    return hint === undefined
      ? { files }
      : { files, warnings: [{ code: "preview.empty", message: hint }] };
  } catch (error) {
    throw toPreviewError(error);
  } finally {
    await open.close();
  }
}

/** The contract has one sentence for every failure of the listing; a refused address keeps its own. */
function toPreviewError(error: unknown): unknown {
  if (!isAppError(error)) return error;
  const answer = toCheckError(error);
  return isAppError(answer, "permission_denied")
    ? answer
    : nonFieldError("Failed to list storage files");
}
