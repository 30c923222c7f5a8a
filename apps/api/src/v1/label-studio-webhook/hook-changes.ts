import type { LabelStudioHook } from "@bucketbridge/contracts";
import type { EventTask } from "@bucketbridge/db";
import type { AnnotationChange } from "../annotation-events/apply-events.ts";
import type { SourceNames } from "./source-names.ts";

/** Ids are never given again, so nothing is newer than a deletion; the hook tells no time of it. */
const DELETION_VERSION = Number.MAX_SAFE_INTEGER;
/** Names of a task that are tried: more addresses of objects than this has no task. */
const MAX_TASK_NAMES = 20;

const MOMENT = /^(.+:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

type SavedHook = Extract<LabelStudioHook, { readonly annotation: object }>;
type HookAnnotation = Exclude<SavedHook["annotation"], readonly unknown[]>;
type HookTask = Exclude<SavedHook["task"], readonly unknown[]>;

/**
 * What a call of a hook says, as changes that are ordered by `updated_at`. The other server's ids are external ones here; `names`
 * tells which of our objects its task data name.
 */
export function toHookChanges(hook: LabelStudioHook, names: SourceNames): AnnotationChange[] {
  if (hook.action === "ANNOTATIONS_DELETED")
    return hook.annotations.map(({ id }) => ({
      action: "deleted",
      externalId: String(id),
      version: DELETION_VERSION,
    }));
  const tasks = new Map([hook.task].flat().map((task) => [task.id, task]));
  return [hook.annotation].flat().map((annotation) => {
    const { id, task, updated_at, ...rest } = annotation;
    return {
      action: "saved",
      externalId: String(id),
      version: toVersion(updated_at),
      tasks: toTaskNames(annotation, { known: tasks.get(task), names }),
      annotation: { ...rest, updated_at, completed_by: null },
    };
  });
}

/** Microseconds since 1970, as exact as Label Studio writes them. */
function toVersion(moment: string): number {
  const [, seconds = "", fraction = "", zone = ""] = MOMENT.exec(moment) ?? [];
  const micros = Number(fraction.slice(0, 6).padEnd(6, "0"));
  return Math.max(0, Date.parse(`${seconds}${zone}`) * 1000 + micros);
}

/** The other server's id of the task, then the objects that its data names: its id means nothing among ours. */
function toTaskNames(
  { task }: HookAnnotation,
  { known, names }: { readonly known: HookTask | undefined; readonly names: SourceNames },
): EventTask[] {
  const { data } = known ?? {};
  const values: unknown[] = typeof data === "object" && data !== null ? Object.values(data) : [];
  const objects = values.flatMap((value) => (typeof value === "string" ? names(value) : []));
  return [{ externalId: String(task) }, ...objects].slice(0, MAX_TASK_NAMES);
}
