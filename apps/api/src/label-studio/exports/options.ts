import type { SnapshotOptions } from "@bucketbridge/db";
import { validationError } from "../../api-error.ts";
import { isFields, type RawFields } from "../fields.ts";

type Choice = "only" | "exclude" | undefined;

const MAX_TITLE_CHARS = 2_048;
const ANNOTATION_KINDS = ["usual", "ground_truth", "skipped"] as const;

/** What a new snapshot is called; blank and absent: `fallback`. */
export function readTitle(body: RawFields, fallback: string): string {
  const title = body["title"];
  if (title === undefined || title === null || title === "") return fallback;
  if (typeof title !== "string" || title.length > MAX_TITLE_CHARS)
    throw validationError({ title: ["Not a valid string."] });
  return title.replaceAll("\u0000", "").toWellFormed();
}

/** Which tasks and annotations are wanted. A filter that does not exist here is refused: an export must not hold more than was asked for. */
export function readSnapshotOptions(body: RawFields): SnapshotOptions {
  const tasks = fieldsOf(body, "task_filter_options");
  const wanted = fieldsOf(body, "annotation_filter_options");
  for (const name of ["view", "reviewed"])
    if (tasks[name] !== undefined && tasks[name] !== null) throw notOffered("task", name);
  if (wanted["reviewed"] !== undefined && wanted["reviewed"] !== null)
    throw notOffered("annotation", "reviewed");
  const kinds = ANNOTATION_KINDS.filter((kind) => wanted[kind] === true);
  return {
    annotated: readChoice(tasks, "annotated") ?? onlyAnnotated(tasks),
    finished: readChoice(tasks, "finished"),
    skipped: readChoice(tasks, "skipped"),
    annotations: kinds,
  };
}

function onlyAnnotated(tasks: RawFields): Choice {
  return tasks["only_with_annotations"] === true ? "only" : undefined;
}

function readChoice(fields: RawFields, name: string): Choice {
  const value = fields[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (value === "only" || value === "exclude") return value;
  throw validationError({
    task_filter_options: [`${name}: ${JSON.stringify(value)} is not a valid choice.`],
  });
}

function fieldsOf(body: RawFields, name: string): RawFields {
  const value = body[name];
  return isFields(value) ? value : {};
}

function notOffered(what: string, name: string): Error {
  return validationError({
    [`${what}_filter_options`]: [
      `${name}: this filter is not supported; leave it out and filter what was exported`,
    ],
  });
}
