import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadStatements, STATEMENT_NAMES, type StatementName } from "./statements.ts";
import { useTestDatabase } from "./testing/test-database.ts";
import { makeWorld } from "./testing/world.ts";

const test = useTestDatabase("plans");

/** Tables that grow with the objects of a source; the others are small. */
const LARGE = new Set(["annotation", "delivery", "issue", "source_object", "task"]);
const ROWS = 100_000;

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Join Filter"?: string;
  readonly Plans?: readonly PlanNode[];
}

let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client(test.url);
  await client.connect();
  await client.query("SET plan_cache_mode = force_generic_plan");
  // A transaction-wide scope is not needed to plan: the policies are part of every plan.
});

afterAll(async () => {
  await client.end();
});

/** The plan that a worker would keep for all values. */
async function planOf(name: StatementName): Promise<PlanNode[]> {
  const text = loadStatements()[name];
  const parameters = new Set([...text.matchAll(/\$(\d+)/g)].map((match) => match[1])).size;
  await client.query(`PREPARE plan_under_test AS ${text}`);
  try {
    const values =
      parameters === 0 ? "" : `(${Array.from({ length: parameters }, () => "NULL").join(", ")})`;
    const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
      `EXPLAIN (FORMAT JSON) EXECUTE plan_under_test${values}`,
    );
    return rows.flatMap((row) => flatten(row["QUERY PLAN"][0].Plan));
  } finally {
    await client.query("DEALLOCATE plan_under_test");
  }
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

function scannedWhole(nodes: readonly PlanNode[]): string[] {
  return nodes
    .filter((node) => node["Node Type"] === "Seq Scan")
    .map((node) => node["Relation Name"] ?? "")
    .filter((table) => LARGE.has(table));
}

/** Pairs of all rows with all rows: a page of 1,000 keys would be compared a million times. */
function comparedByKey(nodes: readonly PlanNode[]): string[] {
  return nodes.map((node) => node["Join Filter"] ?? "").filter((filter) => /\bkey\b/.test(filter));
}

describe("a plan made while the tables were empty", () => {
  it.each(STATEMENT_NAMES)(
    "of %s reads no large table whole, on a worker's connection",
    async (name) => {
      await client.query("SET enable_seqscan = off");
      expect(scannedWhole(await planOf(name))).toEqual([]);
    },
  );
});

/** Spreads `ROWS` objects with their tasks, annotations and issues over `storages` sources. */
async function fill(storages: number): Promise<void> {
  for (let count = 0; count < storages; count++) {
    const world = await makeWorld(test.db);
    await test.look(
      `INSERT INTO source_object (organization_id, storage_id, location_version, key, state, rows_loaded, live_tasks, next_attempt_at)
       SELECT $1, $2, 1, 'images/' || lpad(n::text, 9, '0'), (ARRAY['done', 'done', 'pending', 'failed'])[1 + n % 4], 1, 1, now()
       FROM generate_series(1, $3::int) n`,
      [world.organizationId, world.storageId, ROWS / storages],
    );
    await test.look(
      `INSERT INTO task (organization_id, project_id, source_object_id, inner_id, data)
       SELECT o.organization_id, $1, o.id, row_number() OVER (), '{"image": "s3://bucket/key"}' FROM source_object o WHERE o.storage_id = $2`,
      [world.projectId, world.storageId],
    );
    const run = await test.one<{ id: number }>(
      "INSERT INTO run (organization_id, storage_id, number, settings_version, state) VALUES ($1, $2, 1, 1, 'running') RETURNING id",
      [world.organizationId, world.storageId],
    );
    await test.look(
      `INSERT INTO issue (organization_id, storage_id, run_id, key, code, message)
       SELECT organization_id, storage_id, $2, key, 'c', 'm' FROM source_object WHERE storage_id = $1`,
      [world.storageId, run.id],
    );
  }
  await test.look(
    "INSERT INTO annotation (organization_id, project_id, task_id, result) SELECT organization_id, project_id, id, '[]' FROM task",
  );
  await test.look(
    `INSERT INTO storage (organization_id, project_id, direction, provider) SELECT organization_id, id, 'target', 's3' FROM project`,
  );
  await test.look(
    `INSERT INTO delivery (organization_id, target_id, subject_type, subject_id, wanted_revision, wanted_op, due_at, run_id, last_error_code, object_key)
     SELECT a.organization_id, s.id, 'annotation', a.id, 1, 'put', now(), CASE WHEN a.id % 2 = 0 THEN s.id END,
            CASE WHEN a.id % 50 = 0 THEN 'timeout' END, 'out/' || a.id
     FROM annotation a JOIN storage s ON s.project_id = a.project_id AND s.direction = 'target'`,
  );
  await test.look("ANALYZE");
}

/** What requests of the API run often; the rest is the workers' or rare enough to read a table. */
const API_STATEMENTS: readonly StatementName[] = [
  "annotation-save",
  "annotations-delete",
  "annotations-import",
  "annotations-move",
  "export-run-finish",
  "media-project",
  "media-task",
  "predictions-import",
  "project-hold",
  "project-lock",
  "run-ask",
  "run-cancel",
  "run-lock",
  "run-progress",
  "run-promote",
  "run-snapshot",
  "run-storage-lock",
  "storage-lock",
  "task-count",
  "task-page",
  "tasks-delete",
  "tasks-insert",
  "target-changed",
  "target-moving",
  "tasks-lock",
];

/** `seqScan` off: as on a worker's connection. */
function describePlans(
  who: string,
  seqScan: "on" | "off",
  statements: readonly StatementName[],
): void {
  describe(who, () => {
    beforeAll(async () => {
      await client.query(`SET enable_seqscan = ${seqScan}`);
    });

    it.each(statements)(
      "of %s reads no large table whole and compares no page with a page",
      async (name) => {
        const nodes = await planOf(name);
        expect(scannedWhole(nodes)).toEqual([]);
        expect(comparedByKey(nodes)).toEqual([]);
      },
    );
  });
}

describe.each([1, 20])(`a plan over ${String(ROWS)} rows of %i sources`, (storages) => {
  beforeAll(async () => {
    await test.look("TRUNCATE organization, source_object, task CASCADE");
    await fill(storages);
  }, 120_000);

  describePlans("for a worker", "off", STATEMENT_NAMES);
  // A generic plan knows no value: with one source it rightly takes every row for wanted.
  if (storages > 1) describePlans("for the API", "on", API_STATEMENTS);
});
