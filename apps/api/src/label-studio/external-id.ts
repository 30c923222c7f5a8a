import { MAX_EXTERNAL_ID_CHARS } from "@bucketbridge/contracts";
import { isAppError } from "@bucketbridge/core";
import { validationError } from "../api-error.ts";
import type { FieldReader, RawFields } from "./fields.ts";

/** The field of tasks and annotations that holds the id which a platform gave them. The contract does not know it. */
const FIELD = "external_id";

/** What is wrong with an external id, or undefined. */
function complaintAbout(value: unknown): string | undefined {
  if (typeof value !== "string") return "Not a valid string.";
  if (value.length === 0) return "This field may not be blank.";
  if (value.length > MAX_EXTERNAL_ID_CHARS)
    return `Ensure this field has no more than ${String(MAX_EXTERNAL_ID_CHARS)} characters.`;
  if (!value.isWellFormed() || /\p{Cc}/u.test(value))
    return "Control characters are not allowed in an external id.";
  return undefined;
}

/** The external id of a body that makes something; undefined: it has none. */
export function readExternalId(body: RawFields, fields: FieldReader): string | undefined {
  const value = body[FIELD] ?? undefined;
  if (value === undefined) return undefined;
  const complaint = complaintAbout(value);
  if (complaint === undefined) return value as string;
  fields.fail(FIELD, complaint);
  return undefined;
}

/** The same of an item of an import: the id, or a sentence about it. */
export function readItemExternalId(
  item: RawFields,
): { readonly externalId: string | undefined } | { readonly problem: string } {
  const value = item[FIELD] ?? undefined;
  const complaint = value === undefined ? undefined : complaintAbout(value);
  if (complaint !== undefined) return { problem: `"${FIELD}" is invalid: ${complaint}` };
  return { externalId: value as string | undefined };
}

/** A body that changes something may repeat its external id and not change it: the keys of exported objects are made of it. */
export function keepExternalId(body: RawFields, fields: FieldReader, stored: string | null): void {
  const value = body[FIELD] ?? undefined;
  if (value === undefined || value === stored) return;
  fields.fail(
    FIELD,
    "An external id cannot be changed or added later: keys of exported objects are made of it.",
  );
}

/** An id that is taken is the caller's mistake: 400, since the contract has 409 for other things. */
export function toExternalIdError(error: unknown, what: "Task" | "Annotation"): unknown {
  const reason = `${what.toLowerCase()}.external_id`;
  if (!isAppError(error, "already_exists") || error.reason !== reason) return error;
  return validationError({
    [FIELD]: [`${what} with this external id already exists in the project.`],
  });
}

/** How an answer shows it: only where there is one, so that the contract's shapes stay as they are. */
export function toExternalIdView(externalId: string | null): Record<string, unknown> {
  return externalId === null ? {} : { [FIELD]: externalId };
}
