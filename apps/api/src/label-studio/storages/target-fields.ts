import { isAppError } from "@bucketbridge/core";
import { checkKeyTemplate } from "@bucketbridge/sync";
import type { FieldReader } from "../fields.ts";

/** What a target decides beyond what every storage does; a source keeps the defaults. */
export interface TargetDraft {
  /** Null means false, as in the contract. */
  readonly canDeleteObjects: boolean | null;
  /** What one object is for. */
  readonly subject: "annotation" | "task";
  /** Null: the id of the subject. */
  readonly keyTemplate: string | null;
  readonly jsonExtension: boolean;
}

/**
 * Takes the fields of a target over those of `base`. Besides the contract's `can_delete_objects` the compatible wire takes our
 * own `subject`, `key_template` and `json_extension`, so that a first sync writes the keys that were meant.
 */
export function readTargetFields(reader: FieldReader, base: TargetDraft): TargetDraft {
  const template = reader.text("key_template");
  const draft = {
    canDeleteObjects: reader.boolean("can_delete_objects") ?? base.canDeleteObjects,
    subject: reader.choice("subject", ["annotation", "task"]) ?? base.subject,
    keyTemplate: template === undefined ? base.keyTemplate : template === "" ? null : template,
    jsonExtension: reader.boolean("json_extension") ?? base.jsonExtension,
  };
  // A template that suited annotations may not suit tasks: it is looked at whenever either changes.
  const isKept = draft.keyTemplate === base.keyTemplate && draft.subject === base.subject;
  if (draft.keyTemplate !== null && !isKept) {
    checkTemplate(reader, draft.keyTemplate, draft.subject);
  }
  return draft;
}

function checkTemplate(
  reader: FieldReader,
  template: string,
  subject: TargetDraft["subject"],
): void {
  try {
    checkKeyTemplate(template, subject);
  } catch (error) {
    if (!isAppError(error, "invalid_input")) throw error;
    reader.fail("key_template", error.message);
  }
}
