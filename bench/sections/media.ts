import { Secret } from "@bucketbridge/core";
import { withPgClient } from "@bucketbridge/db";
import { BenchApi } from "../api-process.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { askByClients } from "../http-clients.ts";
import { describeTimes, percentile } from "../load.ts";
import { median } from "../measure.ts";
import { withFreshDatabase } from "../product-arms.ts";
import { atMost, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";

const SECTION = "media";
const TASKS = 1_000;
const PAGE_SIZE = 100;
const CLIENTS = 8;
const PAGES_ASKED = 200;
const RESOLVES_ASKED = 1_000;
const PAGE_GOAL_MS = 50;
const RESOLVE_GOAL_MS = 15;
const P95 = 0.95;

/** What a reference costs: a page of tasks with five each, and one that is opened, against the same without. */
export const mediaSection: Section = {
  name: SECTION,
  about: "pages of 100 tasks with 5 references each, and the opening of one, by 8 clients",
  async measure(bench) {
    let figures: readonly Figure[] = [];
    await withFreshDatabase(bench, async (database) => {
      await database.addSource({ ...bench.s3.source("media"), presign: true, presignTtl: 15 });
      const firstTask = await addTasks(database, Math.ceil(TASKS * bench.scale));
      const api = await BenchApi.start(database, bench.cluster.secretKeys);
      try {
        figures = await measureRoutes(bench, { api, database, firstTask });
      } finally {
        await api.stop();
      }
    });
    return figures;
  },
};

interface World {
  readonly api: BenchApi;
  readonly database: BenchDatabase;
  readonly firstTask: number;
}

/** Asked in turns, so that whatever else the machine does hits all alike. */
async function measureRoutes(bench: Bench, world: World): Promise<readonly Figure[]> {
  const arms = makeArms(bench, world);
  const turns = new Map<string, Turn[]>();
  for (let repetition = -1; repetition < bench.repetitions; repetition++) {
    const order = repetition % 2 === 0 ? arms : arms.toReversed();
    for (const { name, url, status, count } of order) {
      const headers = { authorization: `Token ${world.api.token}` };
      const asked = { clients: CLIENTS, count: Math.ceil(count * bench.scale), status, headers };
      const before = world.api.look();
      const { timesMs } = await askByClients(url, asked);
      const cpuMs = (world.api.look().cpuMs - before.cpuMs) / asked.count;
      // The first turn warms everything up and does not count.
      if (repetition < 0) continue;
      turns.set(name, [...(turns.get(name) ?? []), { timesMs, cpuMs }]);
      bench.say(`${name}: ${describeTimes(timesMs)}, ${cpuMs.toFixed(1)} ms CPU each`);
    }
  }
  return [
    ...toFigures(
      turns,
      { name: "page, resolved", reference: "page, raw", ceiling: 3 },
      PAGE_GOAL_MS,
    ),
    ...toFigures(turns, { name: "resolve", reference: "empty route", ceiling: 2 }, RESOLVE_GOAL_MS),
  ];
}

interface Route {
  readonly name: string;
  readonly url: (index: number) => string;
  readonly status: number;
  readonly count: number;
}

function makeArms(bench: Bench, { api, database, firstTask }: World): readonly Route[] {
  const { origin } = api;
  const tasks = Math.ceil(TASKS * bench.scale);
  const pages = Math.max(1, Math.floor(tasks / PAGE_SIZE));
  const page = (index: number): string =>
    `${origin}/api/tasks/?project=${String(database.projectId)}&page_size=${String(PAGE_SIZE)}&page=${String(1 + (index % pages))}`;
  const resolve = (index: number): string => {
    const number = index % tasks;
    const reference = Buffer.from(referenceOf(number, index % 5)).toString("base64url");
    return `${origin}/tasks/${String(firstTask + number)}/resolve/?fileuri=${reference}`;
  };
  const empty = (): string => `${origin}/api/storages/types`;
  return [
    {
      name: "page, raw",
      url: (i) => `${page(i)}&resolve_uri=false`,
      status: 200,
      count: PAGES_ASKED,
    },
    { name: "page, resolved", url: page, status: 200, count: PAGES_ASKED },
    { name: "empty route", url: empty, status: 200, count: RESOLVES_ASKED },
    { name: "resolve", url: resolve, status: 303, count: RESOLVES_ASKED },
  ];
}

/** One arm in one repetition. */
interface Turn {
  readonly timesMs: readonly number[];
  /** Processor time of the API for each request. */
  readonly cpuMs: number;
}

interface Ratio {
  readonly name: string;
  readonly reference: string;
  readonly ceiling: number;
}

function toFigures(
  turns: ReadonlyMap<string, readonly Turn[]>,
  { name, reference, ceiling }: Ratio,
  goalMs: number,
): readonly Figure[] {
  const own = turns.get(name) ?? [];
  const other = turns.get(reference) ?? [];
  const p95 = (turn: Turn | undefined): number => percentile(turn?.timesMs ?? [], P95);
  const ratio = median(own.map((turn, index) => p95(turn) / p95(other[index])));
  const absolute = median(own.map(p95));
  const all = (them: readonly Turn[]): string =>
    `${describeTimes(them.flatMap(({ timesMs }) => timesMs))}, ${median(them.map(({ cpuMs }) => cpuMs)).toFixed(1)} ms CPU`;
  return [
    {
      section: SECTION,
      what: `${name} / ${reference}, p95`,
      ...atMost(ceiling, ratio),
      detail: `p50 / p95 / p99: ${all(own)} against ${all(other)}`,
    },
    {
      section: SECTION,
      what: `${name}, p95 in ms`,
      figure: absolute.toFixed(0),
      goal: `≤ ${String(goalMs)}`,
      isMet: absolute <= goalMs,
      detail: `${String(CLIENTS)} clients at once`,
    },
  ];
}

function referenceOf(task: number, index: number): string {
  return `s3://media/datasets/images/train/2024/batch-0001/img_${String(task)}_${String(index)}.jpg`;
}

/** Five references each, one of them in HTML; gives the id of the first, the others follow it. */
async function addTasks(database: BenchDatabase, count: number): Promise<number> {
  const { organizationId, projectId, adminUrl } = database;
  const data = Array.from({ length: count }, (_, task) => {
    const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((index) => referenceOf(task, index));
    return { image: a, frames: [b, c], more: { deep: d }, html: `<p><img src="${String(e)}"></p>` };
  });
  return withPgClient(new Secret(adminUrl), async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO task (organization_id, project_id, inner_id, data)
       SELECT $1, $2, ordinality, value FROM jsonb_array_elements($3::jsonb) WITH ORDINALITY
       RETURNING id`,
      [organizationId, projectId, JSON.stringify(data)],
    );
    return Math.min(...rows.map(({ id }) => Number(id)));
  });
}
