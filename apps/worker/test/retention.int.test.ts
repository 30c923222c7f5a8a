import { waitFor } from "@bucketbridge/testkit";
import { expect, it } from "vitest";
import { useWorld } from "./harness.ts";

const getWorld = useWorld("worker_retention");

it("a worker drops what was kept long enough by itself, says so and counts it", async () => {
  const world = getWorld();
  const { organizationId, projectId } = world.tenant;
  await world.query(
    `INSERT INTO annotation_tombstone (organization_id, project_id, external_id, event_version, deleted_at)
     SELECT ${String(organizationId)}, ${String(projectId)}, 'days ' || n, 1, now() - make_interval(days => n)
     FROM unnest(ARRAY[29, 31]) AS n`,
  );
  const worker = await world.startWorker();
  await waitFor(
    async () => {
      const metrics = await worker.deps.metrics.render();
      return metrics.includes('bucketbridge_retention_dropped_total{kind="tombstones"} 1');
    },
    { timeoutMs: 10_000, what: "the first round" },
  );
  const kept = await world.query<{ external_id: string }>(
    "SELECT external_id FROM annotation_tombstone",
  );
  expect(kept).toEqual([{ external_id: "days 29" }]);
});
