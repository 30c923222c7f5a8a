import type { QueueName } from "@bucketbridge/contracts";
import type { BoardQueue } from "./board.ts";

/** States that metrics show. Prioritized jobs count as waiting. */
export type JobCountState = "waiting" | "active" | "delayed" | "failed" | "completed";

/** Number of jobs of one queue in one state. */
export interface JobCount {
  readonly queue: QueueName;
  readonly state: JobCountState;
  readonly count: number;
}

/** Counts the jobs of `queues`. Rejects when the server is away. */
export async function countJobs(queues: readonly BoardQueue[]): Promise<readonly JobCount[]> {
  const counted = await Promise.all(
    queues.map(async ({ name, queue }) => ({ name, counts: await queue.getJobCounts() })),
  );
  return counted.flatMap(({ name, counts }) => {
    const waiting = (counts["waiting"] ?? 0) + (counts["prioritized"] ?? 0);
    const states: Readonly<Record<JobCountState, number>> = {
      waiting,
      active: counts["active"] ?? 0,
      delayed: counts["delayed"] ?? 0,
      failed: counts["failed"] ?? 0,
      completed: counts["completed"] ?? 0,
    };
    return Object.entries(states).map(([state, count]) => ({
      queue: name,
      state: state as JobCountState,
      count,
    }));
  });
}
