import type { AnnotationRecord, SubjectRecord } from "./ports.ts";
import { renderSubject } from "./render.ts";

/** A task with what hangs on it, as exports show it. */
export type ExportedTask = Extract<SubjectRecord, { type: "task" }>;

/** Which annotations are exported; none of the kinds: all of them. */
export type AnnotationKind = "usual" | "ground_truth" | "skipped";

/** Counted while a snapshot is written. */
export interface SnapshotCounts {
  tasks: number;
  annotations: number;
}

const OPENING = new TextEncoder().encode("[\n");
const SEPARATOR = new TextEncoder().encode(",\n");
const CLOSING = new TextEncoder().encode("\n]");
const EMPTY = new TextEncoder().encode("[]");

/**
 * The file of an export: a JSON array with one task per line, each field by field as a target in the format of tasks has it (ls-api
 * §6.4). Holds one page at a time. `counts` is true when the last bytes have been taken.
 */
export async function* renderSnapshot(
  pages: AsyncIterable<readonly SubjectRecord[]>,
  kinds: readonly AnnotationKind[],
  counts: SnapshotCounts,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isFirst = true;
  for await (const page of pages) {
    for (const subject of page) {
      if (subject.type !== "task") continue;
      const annotations = subject.annotations.filter((annotation) => isWanted(annotation, kinds));
      yield isFirst ? OPENING : SEPARATOR;
      isFirst = false;
      yield renderSubject({ ...subject, annotations }, { layout: "line", nowMs: 0 });
      counts.tasks++;
      counts.annotations += annotations.length;
    }
  }
  yield isFirst ? EMPTY : CLOSING;
}

function isWanted(
  { wasCancelled, groundTruth }: AnnotationRecord,
  kinds: readonly AnnotationKind[],
): boolean {
  if (kinds.length === 0) return true;
  return (
    (kinds.includes("skipped") && wasCancelled) ||
    (kinds.includes("ground_truth") && groundTruth) ||
    (kinds.includes("usual") && !wasCancelled && !groundTruth)
  );
}

/** Pages of a project until its last task, by the ids of tasks, so that what is added or deleted meanwhile loses no other. */
export async function* readPages(
  read: (afterTaskId: number) => Promise<readonly SubjectRecord[]>,
): AsyncGenerator<readonly SubjectRecord[], void, undefined> {
  let after = 0;
  for (;;) {
    const page = await read(after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.type === "task" ? last.task.id : last.annotation.id;
  }
}
