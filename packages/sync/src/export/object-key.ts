import { AppError } from "@bucketbridge/core";
import type { SubjectRecord, TargetSnapshot } from "./ports.ts";

/** Names that a key template may hold. */
export const KEY_TEMPLATE_NAMES = [
  "project_id",
  "task_id",
  "annotation_id",
  "source_key_stem",
] as const;

type KeyTemplateName = (typeof KEY_TEMPLATE_NAMES)[number];

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const MAX_TEMPLATE_CHARS = 512;

/**
 * Checks a template when a target is saved: known names only, and the id of what it is for, since two subjects of one key
 * would overwrite one another. Throws `invalid_input` with a sentence for the person who typed it.
 */
export function checkKeyTemplate(template: string, subject: TargetSnapshot["subject"]): void {
  if (template.length > MAX_TEMPLATE_CHARS) {
    throw refuse(`a key template has at most ${String(MAX_TEMPLATE_CHARS)} characters`);
  }
  const names = [...template.matchAll(PLACEHOLDER)].map((match) => match[1] ?? "");
  const unknown = names.find((name) => !(KEY_TEMPLATE_NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw refuse(
      `the key template names \${${unknown}}; it may name ${KEY_TEMPLATE_NAMES.join(", ")}`,
    );
  }
  if (subject === "task" && names.includes("annotation_id")) {
    throw refuse("an object per task has no annotation id: use ${task_id} in the key template");
  }
  const needed = subject === "task" ? "task_id" : "annotation_id";
  if (!names.includes(needed)) {
    throw refuse(`the key template must hold \${${needed}}, else objects overwrite one another`);
  }
}

/** Checks the prefix of a target when it is saved: it may name the project and nothing else. Throws `invalid_input` with a sentence. */
export function checkTargetPrefix(prefix: string): void {
  const names = [...prefix.matchAll(PLACEHOLDER)].map((match) => match[1] ?? "");
  const unknown = names.find((name) => name !== "project_id");
  if (unknown === undefined) return;
  throw new AppError({
    code: "invalid_input",
    reason: "target.prefix",
    message: `the prefix names \${${unknown}}; it may name project_id only`,
  });
}

/**
 * Where the object of a subject lies in a target: `<prefix>/<key>`. The default key is the subject's external id where it has
 * one, else its id. Repeated slashes are collapsed, parts that a store or a file system would refuse are replaced.
 */
export function toObjectKey(
  target: Pick<TargetSnapshot, "prefix" | "keyTemplate" | "jsonExtension" | "projectId">,
  subject: SubjectRecord,
): string {
  const { task } = subject;
  const own = subject.type === "annotation" ? subject.annotation : task;
  const values: Readonly<Record<KeyTemplateName, string>> = {
    project_id: String(target.projectId),
    task_id: encodeId(task.externalId ?? String(task.id)),
    annotation_id: subject.type === "annotation" ? encodeId(own.externalId ?? String(own.id)) : "",
    source_key_stem: toStem(task.sourceKey) ?? String(task.id),
  };
  const name =
    target.keyTemplate === null
      ? encodeId(own.externalId ?? String(own.id))
      : target.keyTemplate.replace(PLACEHOLDER, (whole, found: string) =>
          found in values ? cleanPath(values[found as KeyTemplateName]) : whole,
        );
  const key = cleanPath(`${expandTargetPrefix(target)}/${name}`);
  return target.jsonExtension ? `${key}.json` : key;
}

/** The folder that holds every object of a target, with a slash at its end; "" where that is the whole bucket. */
export function toTargetFolder(target: Pick<TargetSnapshot, "prefix" | "projectId">): string {
  const folder = cleanPath(expandTargetPrefix(target));
  return folder === "" ? "" : `${folder}/`;
}

/** The prefix of a target with the project's id in place, otherwise as it was typed. */
export function expandTargetPrefix({
  prefix,
  projectId,
}: Pick<TargetSnapshot, "prefix" | "projectId">): string {
  return (prefix ?? "").replaceAll("${project_id}", String(projectId));
}

/** `images/cat.final.jpg` → `images/cat.final`. */
function toStem(sourceKey: string | null): string | undefined {
  if (sourceKey === null) return undefined;
  const slash = sourceKey.lastIndexOf("/");
  const dot = sourceKey.lastIndexOf(".");
  return dot > slash + 1 ? sourceKey.slice(0, dot) : sourceKey;
}

/** Slashes separate; empty, `.` and `..` parts go. */
function cleanPath(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .map(cleanPart)
    .join("/");
}

/** Control characters and backslashes mean something to some store. */
function cleanPart(part: string): string {
  return part.toWellFormed().replace(/[\p{Cc}\\]/gu, "_");
}

/** A platform's id as one part of a key: different ids stay different, and none opens a folder. */
function encodeId(id: string): string {
  const encoded = id.toWellFormed().replace(/[\p{Cc}\\/%]/gu, (unit) => encodeURIComponent(unit));
  return /^\.{1,2}$/.test(encoded) ? encoded.replaceAll(".", "%2E") : encoded;
}

function refuse(message: string): AppError {
  return new AppError({ code: "invalid_input", reason: "target.key_template", message });
}
