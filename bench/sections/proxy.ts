import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Secret } from "@bucketbridge/core";
import { withPgClient } from "@bucketbridge/db";
import { BenchApi } from "../api-process.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { askByClients, type ClientsResult } from "../http-clients.ts";
import { median } from "../measure.ts";
import { readProcess } from "../process-look.ts";
import { withFreshDatabase } from "../product-arms.ts";
import { atLeast, atMost, type Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";

const SECTION = "proxy";
const MEGABYTE = 1024 * 1024;
const OBJECT_BYTES = 64 * MEGABYTE;
const CLIENTS = 32;
const OBJECTS_ASKED = 32;
const BUCKET = "proxy";
const KEY = "video.bin";
const THROUGHPUT_FLOOR = 0.8;
const GROWTH_CEILING = 1.15;

/** Objects of 64 MiB through the API and through a bare pipe, by 32 clients; both read from the same store. */
export const proxySection: Section = {
  name: SECTION,
  about: "objects of 64 MiB through the API against a bare Node stream pipe, by 32 clients",
  async measure(bench) {
    await bench.s3.send({ kind: "pattern", bucket: BUCKET, key: KEY, size: OBJECT_BYTES });
    let figures: readonly Figure[] = [];
    await withFreshDatabase(bench, async (database) => {
      const source = { ...bench.s3.source(BUCKET), presign: true, presignTtl: 60 };
      const storageId = await database.addSource(source);
      const task = await addTask(database);
      const api = await BenchApi.start(database, bench.cluster.secretKeys);
      const bare = await startBare();
      try {
        const signedUrl = await findSignedUrl(api, task);
        await stopPresigning(database, storageId);
        figures = await measureArms(bench, {
          api,
          bare,
          task,
          bareUrl: `${bare.origin}/?url=${encodeURIComponent(signedUrl)}`,
        });
      } finally {
        await Promise.all([api.stop(), bare.stop()]);
      }
    });
    return figures;
  },
};

interface World {
  readonly api: BenchApi;
  readonly bare: BareProxy;
  readonly task: number;
  readonly bareUrl: string;
}

interface Turn {
  readonly megabytesPerSecond: number;
  readonly cpuMsPerMegabyte: number;
}

async function measureArms(bench: Bench, world: World): Promise<readonly Figure[]> {
  const { api, bare, task, bareUrl } = world;
  const count = Math.ceil(OBJECTS_ASKED * bench.scale);
  const headers = { authorization: `Token ${api.token}` };
  const product = (): Promise<ClientsResult> =>
    askByClients(() => resolveUrl(api, task), { clients: CLIENTS, count, status: 200, headers });
  const reference = (): Promise<ClientsResult> =>
    askByClients(() => bareUrl, { clients: CLIENTS, count, status: 200 });
  const turns = { product: [] as Turn[], reference: [] as Turn[] };
  await product();
  await reference();
  const firstPeak = api.look().peakBytes;
  for (let repetition = 0; repetition < bench.repetitions; repetition++) {
    const arms = [
      async () => turns.product.push(await time(product, () => api.look().cpuMs)),
      async () => turns.reference.push(await time(reference, () => bare.look().cpuMs)),
    ];
    for (const arm of repetition % 2 === 0 ? arms : arms.toReversed()) await arm();
    bench.say(`API ${describe(turns.product.at(-1))}; bare ${describe(turns.reference.at(-1))}`);
  }
  return toFigures(turns, { first: firstPeak, last: api.look().peakBytes, bench });
}

async function time(work: () => Promise<ClientsResult>, cpuMs: () => number): Promise<Turn> {
  const before = cpuMs();
  const { bytes, wallMs } = await work();
  const megabytes = bytes / MEGABYTE;
  return {
    megabytesPerSecond: (megabytes / wallMs) * 1_000,
    cpuMsPerMegabyte: (cpuMs() - before) / megabytes,
  };
}

function describe(turn: Turn | undefined): string {
  if (turn === undefined) return "";
  return `${turn.megabytesPerSecond.toFixed(0)} MB/s, ${turn.cpuMsPerMegabyte.toFixed(2)} ms CPU each MB`;
}

function toFigures(
  {
    product,
    reference,
  }: { readonly product: readonly Turn[]; readonly reference: readonly Turn[] },
  { first, last, bench }: { readonly first: number; readonly last: number; readonly bench: Bench },
): readonly Figure[] {
  const ratio = median(
    product.map(
      (turn, index) =>
        turn.megabytesPerSecond / (reference[index]?.megabytesPerSecond ?? Number.NaN),
    ),
  );
  const middle = (turns: readonly Turn[]): string =>
    describe({
      megabytesPerSecond: median(turns.map((turn) => turn.megabytesPerSecond)),
      cpuMsPerMegabyte: median(turns.map((turn) => turn.cpuMsPerMegabyte)),
    });
  const megabytes = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(0)} MB`;
  return [
    {
      section: SECTION,
      what: "API / bare pipe, throughput",
      ...atLeast(THROUGHPUT_FLOOR, ratio),
      detail: `${middle(product)}; bare ${middle(reference)}`,
    },
    {
      section: SECTION,
      what: "memory after all / after the first turn",
      ...atMost(GROWTH_CEILING, last / first),
      detail: `VmHWM ${megabytes(first)}, after ${String(bench.repetitions)} more turns ${megabytes(last)}`,
    },
  ];
}

interface BareProxy {
  readonly origin: string;
  look(): { readonly cpuMs: number };
  stop(): Promise<void>;
}

async function startBare(): Promise<BareProxy> {
  const child = fork(fileURLToPath(new URL("../bare-proxy.ts", import.meta.url)));
  const [port] = (await once(child, "message")) as [number];
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    look: () => readProcess(child.pid),
    stop: async () => {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

function resolveUrl({ origin }: BenchApi, task: number): string {
  const reference = Buffer.from(`s3://${BUCKET}/${KEY}`).toString("base64url");
  return `${origin}/tasks/${String(task)}/resolve/?fileuri=${reference}`;
}

async function findSignedUrl(api: BenchApi, task: number): Promise<string> {
  const headers = { authorization: `Token ${api.token}` };
  const response = await fetch(resolveUrl(api, task), { headers, redirect: "manual" });
  return response.headers.get("location") ?? "";
}

async function stopPresigning(database: BenchDatabase, storageId: number): Promise<void> {
  await withPgClient(new Secret(database.adminUrl), (client) =>
    client.query("UPDATE storage SET presign = false WHERE id = $1", [storageId]),
  );
}

async function addTask({ organizationId, projectId, adminUrl }: BenchDatabase): Promise<number> {
  return withPgClient(new Secret(adminUrl), async (client) => {
    const { rows } = await client.query<{ id: string }>(
      "INSERT INTO task (organization_id, project_id, inner_id, data) VALUES ($1, $2, 1, $3) RETURNING id",
      [organizationId, projectId, JSON.stringify({ video: `s3://${BUCKET}/${KEY}` })],
    );
    return Number(rows[0]?.id);
  });
}
