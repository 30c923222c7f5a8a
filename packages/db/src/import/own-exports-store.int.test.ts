import { expect, it } from "vitest";
import { useTestDatabase } from "../testing/test-database.ts";
import { makeWorld } from "../testing/world.ts";
import { OwnExportsStore } from "./own-exports-store.ts";

const test = useTestDatabase("own_exports");

it("lists targets of every provider, since several lead to the same stores, and none of others", async () => {
  const { organizationId, projectId } = await makeWorld(test.db);
  const other = await makeWorld(test.db);
  const rows = await test.look<{ id: number }>(
    `INSERT INTO storage (organization_id, project_id, direction, provider, settings, deleted_at)
     SELECT * FROM (VALUES
       ($1::int, $2::int, 'target', 's3', '{"bucket":"cats"}'::jsonb, NULL::timestamptz),
       ($1, $2, 'target', 's3s', '{"bucket":"cats"}', NULL),
       ($1, $2, 'source', 's3', '{"bucket":"cats"}', NULL),
       ($1, $2, 'target', 's3', '{"bucket":"gone"}', now()),
       ($3, $4, 'target', 's3', '{"bucket":"cats"}', NULL)) AS v
     RETURNING id`,
    [organizationId, projectId, other.organizationId, other.projectId],
  );
  const store = new OwnExportsStore(test.db);
  const found = await store.listTargets({ organizationId, runId: 1 });
  expect(found).toEqual([
    ...["s3", "s3s"].map((provider, index) => ({
      ...{ targetId: rows[index]?.id, projectId, provider },
      ...{ settings: { bucket: "cats" }, prefix: null },
    })),
  ]);
});
