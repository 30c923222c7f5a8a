import { expect, it } from "vitest";
import { loadStatements, type StatementName } from "../statements.ts";
import { ExportScene } from "../testing/export-scene.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";

const test = useTestDatabase("claim_cost");
const ROWS = 50_000;

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows of the table that the scans of a plan read, those included that they drop. */
function readFrom(node: PlanNode, table: string): number {
  const perLoop = node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0);
  const own = node["Relation Name"] === table ? perLoop * node["Actual Loops"] : 0;
  return (node.Plans ?? []).reduce((sum, child) => sum + readFrom(child, table), own);
}

/** What a worker's generic plan of the statement did. */
async function explain(
  scene: ExportScene,
  name: StatementName,
  { types, values }: { readonly types: string; readonly values: string },
): Promise<PlanNode> {
  return test.db.inOrganization(scene.key.organizationId, async (tx) => {
    await tx.$executeRawUnsafe("SET LOCAL plan_cache_mode = force_generic_plan");
    await tx.$executeRawUnsafe("SET LOCAL enable_seqscan = off");
    await tx.$executeRawUnsafe(`PREPARE explained (${types}) AS ${loadStatements()[name]}`);
    const [row] = await tx.$queryRawUnsafe<{ "QUERY PLAN": [{ Plan: PlanNode }] }[]>(
      `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained(${values})`,
    );
    await tx.$executeRawUnsafe("DEALLOCATE explained");
    return defined(row)["QUERY PLAN"][0].Plan;
  });
}

it.each([false, true])(
  "a claim reads what it may claim, not all that is due (statistics: %s)",
  async (isAnalyzed) => {
    const scene = await ExportScene.make(test);
    const { organizationId } = scene.key;
    await test.look(
      `INSERT INTO delivery (organization_id, target_id, subject_type, subject_id, wanted_revision, wanted_op, due_at)
       SELECT $1, $2, 'annotation', n, 1, 'put', now() - n * interval '1 ms' FROM generate_series(1, $3::int) n`,
      [organizationId, scene.target.id, ROWS],
    );
    if (isAnalyzed) await test.look("ANALYZE");
    const plan = await explain(scene, "deliveries-claim", {
      types: "int, text, int, float8, float8, boolean",
      values: `${String(scene.target.id)}, 'x', 32, 45, 60, true`,
    });
    // Found, locked and written: what is claimed and no more.
    expect(readFrom(plan, "delivery")).toBeLessThan(200);
  },
);

it.each([false, true])(
  "what a claim is for is read without the other tasks and annotations (statistics: %s)",
  async (isAnalyzed) => {
    const scene = await ExportScene.make(test);
    const { organizationId, projectId } = scene.world;
    const values = [organizationId, projectId];
    await test.look(
      `INSERT INTO task (organization_id, project_id, inner_id, data)
       SELECT $1, $2, 100 + n, '{}' FROM generate_series(1, $3::int) n`,
      [...values, ROWS],
    );
    await test.look(
      `INSERT INTO annotation (organization_id, project_id, task_id, result, unique_id)
       SELECT $1, $2, id, '[]', gen_random_uuid()::text FROM task WHERE project_id = $2 AND inner_id > 100`,
      values,
    );
    if (isAnalyzed) await test.look("ANALYZE");
    const [some] = await test.look<{ ids: string }>(
      "SELECT array_agg(id)::text AS ids FROM (SELECT id FROM annotation WHERE project_id = $1 LIMIT 32) a",
      [projectId],
    );
    const ids = `'${defined(some).ids}'`;
    const tasks = await explain(scene, "subjects-tasks", {
      types: "bigint[], bigint[], boolean",
      values: `NULL, ${ids}, false`,
    });
    const annotations = await explain(scene, "subjects-annotations", {
      types: "bigint[], bigint[]",
      values: `${ids}, NULL`,
    });
    expect(readFrom(tasks, "task") + readFrom(tasks, "annotation")).toBeLessThan(200);
    expect(readFrom(annotations, "annotation")).toBeLessThan(200);
  },
);

it.each(["annotation", "task"] as const)(
  "a claim says about how many bytes the JSON of a subject has (%s), and 0 when it is gone",
  async (subject) => {
    const scene = await ExportScene.make(test, { subject, canDeleteObjects: true });
    const { annotation } = await scene.save();
    await test.look(
      "UPDATE annotation SET result = jsonb_build_array(repeat('x', 1000000)) WHERE id = $1",
      [annotation.id],
    );
    const [large] = (await scene.claim()).deliveries;
    // A repeated letter is compressed to nearly nothing, so the guess is low; it is not the size of a pointer.
    expect(large?.storedBytes).toBeGreaterThan(50_000);
    await scene.remove(annotation.id);
    await scene.expireLeases();
    const [gone] = (await scene.claim()).deliveries;
    expect(gone?.storedBytes).toBeLessThan(1_000);
  },
);
