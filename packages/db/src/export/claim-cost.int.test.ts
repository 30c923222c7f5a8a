import { expect, it } from "vitest";
import { loadStatements } from "../statements.ts";
import { ExportScene } from "../testing/export-scene.ts";
import { useTestDatabase } from "../testing/test-database.ts";

const test = useTestDatabase("claim_cost");
const ROWS = 50_000;

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows of the table that the scans of a plan read. */
function readFrom(node: PlanNode, table: string): number {
  const own = node["Relation Name"] === table ? node["Actual Rows"] : 0;
  return (node.Plans ?? []).reduce((sum, child) => sum + readFrom(child, table), own);
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
    const plan = await test.db.inOrganization(organizationId, async (tx) => {
      await tx.$executeRawUnsafe("SET LOCAL plan_cache_mode = force_generic_plan");
      await tx.$executeRawUnsafe(
        `PREPARE claim_${String(isAnalyzed)} (int, text, int, float8, float8) AS ${loadStatements()["deliveries-claim"]}`,
      );
      const [row] = await tx.$queryRawUnsafe<{ "QUERY PLAN": [{ Plan: PlanNode }] }[]>(
        `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE claim_${String(isAnalyzed)}(${String(scene.target.id)}, 'x', 32, 45, 60)`,
      );
      return row?.["QUERY PLAN"][0].Plan;
    });
    expect(plan && readFrom(plan, "delivery")).toBeLessThan(2_000);
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
