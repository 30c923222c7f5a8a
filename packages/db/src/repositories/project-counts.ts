import { toSafeId } from "@bucketbridge/core";
import type { Transaction } from "../client.ts";

/** Sums over a project. Annotations that were skipped count as skipped only. */
export interface ProjectCounts {
  readonly tasks: number;
  readonly finishedTasks: number;
  readonly annotatedTasks: number;
  readonly annotations: number;
  readonly usefulAnnotations: number;
  readonly groundTruths: number;
  readonly skippedAnnotations: number;
  readonly predictions: number;
}

interface CountRow {
  readonly id: number;
  readonly tasks: bigint;
  readonly finished: bigint;
  readonly annotated: bigint;
  readonly annotations: bigint;
  readonly useful: bigint;
  readonly truths: bigint;
  readonly skipped: bigint;
  readonly predictions: bigint;
}

/** Counts of the projects that are not deleted. Tasks come from the tally; the rest is counted from annotations and predictions, of which there are fewer than tasks. */
export async function countProjects(
  tx: Transaction,
  projectIds: readonly number[],
): Promise<Map<number, ProjectCounts>> {
  const rows = await tx.$queryRaw<CountRow[]>`
    SELECT p.id, t.tasks, a.annotations, a.annotated, a.useful, a.truths, a.skipped, f.finished, r.predictions
    FROM project p
    CROSS JOIN LATERAL (SELECT coalesce(sum(c.tasks), 0)::bigint AS tasks FROM project_tally c WHERE c.project_id = p.id) t
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE NOT a.was_cancelled) AS annotations,
        count(DISTINCT a.task_id) FILTER (WHERE NOT a.was_cancelled) AS annotated,
        count(*) FILTER (WHERE NOT a.was_cancelled AND NOT a.ground_truth) AS useful,
        count(*) FILTER (WHERE a.ground_truth) AS truths,
        count(*) FILTER (WHERE a.was_cancelled) AS skipped
      FROM annotation a WHERE a.project_id = p.id) a
    CROSS JOIN LATERAL (
      SELECT count(*) AS finished FROM task k
      WHERE k.is_labeled AND k.id IN (SELECT a.task_id FROM annotation a WHERE a.project_id = p.id)) f
    CROSS JOIN LATERAL (SELECT count(*) AS predictions FROM prediction r WHERE r.project_id = p.id) r
    WHERE p.id = ANY (${[...projectIds]}::int[]) AND p.deleted_at IS NULL`;
  return new Map(rows.map((row) => [row.id, toCounts(row)]));
}

function toCounts(row: CountRow): ProjectCounts {
  return {
    tasks: toSafeId(row.tasks),
    finishedTasks: toSafeId(row.finished),
    annotatedTasks: toSafeId(row.annotated),
    annotations: toSafeId(row.annotations),
    usefulAnnotations: toSafeId(row.useful),
    groundTruths: toSafeId(row.truths),
    skippedAnnotations: toSafeId(row.skipped),
    predictions: toSafeId(row.predictions),
  };
}
