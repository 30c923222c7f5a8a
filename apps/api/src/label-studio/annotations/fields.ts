import type { AnnotationChanges, AnnotationRecord } from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { keepExternalId, readExternalId } from "../external-id.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { queryFlag, queryValue } from "../query.ts";

/** What is needed to check the rows that an annotation names. */
export type ReferenceDeps = Pick<ApiDeps, "annotations" | "predictions" | "users">;

/** What a person did last, in the contract's words. */
const LAST_ACTIONS = [
  "prediction",
  "propagated_annotation",
  "imported",
  "submitted",
  "updated",
  "skipped",
  "accepted",
  "rejected",
  "fixed_and_accepted",
  "deleted_review",
] as const;

const MAX_UNIQUE_ID_CHARS = 500;
const MAX_INT = 2 ** 31 - 1;

/**
 * The fields of an annotation that a caller may write; the contract's server managed ones are passed over. Rows that it names
 * must be there for the caller's organisation. `stored`: the annotation that changes.
 */
export async function readAnnotationFields(
  deps: ReferenceDeps,
  request: FastifyRequest,
  stored?: Pick<AnnotationRecord, "externalId">,
): Promise<AnnotationChanges> {
  const body = bodyOf(request);
  const fields = new FieldReader(body);
  if (stored !== undefined) keepExternalId(body, fields, stored.externalId);
  const result = fields.exactJson("result");
  const changes = {
    resultJson: result === undefined ? undefined : JSON.stringify(result),
    wasCancelled: readWasCancelled(request, fields),
    groundTruth: fields.boolean("ground_truth"),
    leadTime: fields.number("lead_time"),
    completedById: fields.integer("completed_by", { max: MAX_INT }) ?? undefined,
    uniqueId: fields.text("unique_id", { maxLength: MAX_UNIQUE_ID_CHARS }),
    parentPredictionId: fields.integer("parent_prediction"),
    parentAnnotationId: fields.integer("parent_annotation"),
    importId: fields.integer("import_id"),
    lastAction: fields.choice("last_action", LAST_ACTIONS),
    bulkCreated: fields.boolean("bulk_created"),
    externalId: stored === undefined ? readExternalId(body, fields) : undefined,
  };
  await checkReferences(deps, request, { fields, ...changes });
  fields.finish();
  return changes;
}

/** The query counts as well: that is how a task is skipped. */
function readWasCancelled(request: FastifyRequest, fields: FieldReader): boolean | undefined {
  const stated = fields.boolean("was_cancelled");
  return queryValue(request, "was_cancelled") === undefined
    ? stated
    : queryFlag(request, "was_cancelled");
}

interface References {
  readonly fields: FieldReader;
  readonly completedById: number | undefined;
  readonly parentPredictionId: number | null | undefined;
  readonly parentAnnotationId: number | null | undefined;
}

async function checkReferences(
  { annotations, predictions, users }: ReferenceDeps,
  request: FastifyRequest,
  { fields, completedById, parentPredictionId, parentAnnotationId }: References,
): Promise<void> {
  const { organizationId } = identityOf(request);
  const complain = (field: string, id: number): void => {
    fields.fail(field, `Invalid pk "${String(id)}" - object does not exist.`);
  };
  if (completedById !== undefined) {
    const members = await users.listMembers(organizationId, [completedById]);
    if (members.length === 0) complain("completed_by", completedById);
  }
  if (isGiven(parentPredictionId)) {
    const parent = await predictions.find(organizationId, parentPredictionId);
    if (parent === undefined) complain("parent_prediction", parentPredictionId);
  }
  if (isGiven(parentAnnotationId)) {
    const parent = await annotations.find(organizationId, parentAnnotationId);
    if (parent === undefined) complain("parent_annotation", parentAnnotationId);
  }
}

function isGiven(id: number | null | undefined): id is number {
  return id !== undefined && id !== null;
}
