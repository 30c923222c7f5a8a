import type { ChangeTargetBody } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { StorageRecord, StorageUpdate } from "@bucketbridge/db";
import { checkKeyTemplate } from "@bucketbridge/sync";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { ringRun } from "../../runs/start-and-cancel.ts";

/** Somebody else saved the same target in between; so often in a row it is no coincidence. */
const MAX_TRIES = 3;

/**
 * Changes how the objects of a target are called and what they are for. Other keys or another subject count as a move: everything
 * is written again under the new keys, what lies under the old ones stays.
 */
export async function changeTarget(
  deps: Pick<ApiDeps, "storages" | "runs" | "bell">,
  target: StorageRecord,
  body: ChangeTargetBody,
): Promise<StorageRecord> {
  const { organizationId, id } = target;
  let current: StorageRecord | undefined = target;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (current === undefined) throw notFound("Storage");
    const updated = await deps.storages.update(organizationId, id, toUpdate(current, body));
    if (updated !== undefined) {
      if (updated.nextRunId !== null) await ringRun(deps, organizationId, updated.nextRunId);
      return updated.storage;
    }
    current = await deps.storages.find(organizationId, id, { direction: "target" });
  }
  throw new AppError({
    code: "conflict",
    message: "the target was changed by somebody else at the same time; try again",
  });
}

function toUpdate(target: StorageRecord, body: ChangeTargetBody): StorageUpdate {
  const { subject = target.subject, json_extension: jsonExtension = target.jsonExtension } = body;
  const given = body.key_template === undefined ? target.keyTemplate : body.key_template;
  const keyTemplate = given === null || given.trim() === "" ? null : given.trim();
  if (keyTemplate !== null) checkKeyTemplate(keyTemplate, subject);
  const moves =
    subject !== target.subject ||
    keyTemplate !== target.keyTemplate ||
    jsonExtension !== target.jsonExtension;
  const canDelete = body.can_delete_objects;
  return {
    fields: {
      ...(moves ? { subject, keyTemplate, jsonExtension } : {}),
      ...(canDelete === undefined ? {} : { canDeleteObjects: canDelete }),
    },
    secrets: undefined,
    settingsVersion: target.settingsVersion,
    effect: moves ? "move" : "none",
  };
}
