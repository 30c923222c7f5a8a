import { countJobs, type Board, type Producer } from "@bucketbridge/queue";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { AppError } from "@bucketbridge/core";

/** What the health of the API is judged by. */
export interface HealthSources {
  /** Rejects when the database does not answer. Redis does not count: requests do not wait for it (design §8). */
  readonly pingDatabase: () => Promise<void>;
  /** True once the process has been told to stop: it is taken out of rotation before it closes. */
  readonly isStopping: () => boolean;
  readonly rings: Pick<Producer, "counts">;
  readonly board: Board | undefined;
}

interface HealthOptions {
  readonly sources: HealthSources;
  readonly version: string;
  readonly log: FastifyBaseLogger;
}

/** A probe waits no longer for the database. */
const PING_TIMEOUT_MS = 2_000;
const REQUEST_BUCKETS_SECONDS = [0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 30];
const OPEN = { config: { public: true, rate: "probe" }, schema: { tags: ["health"] } } as const;

/** /livez, /readyz, /metrics and /version, public as on the workers. */
export function registerHealth(app: FastifyInstance, options: HealthOptions): void {
  const { sources, version } = options;
  app.get("/livez", OPEN, () => ({ status: "ok" }));
  app.get("/version", OPEN, () => ({ version, node: process.version }));
  app.get("/readyz", OPEN, async (_request, reply) => {
    const problem = await findProblem(sources);
    return problem === undefined ? { status: "ok" } : reply.code(503).send({ status: problem });
  });
  registerMetrics(app, options);
}

async function findProblem(sources: HealthSources): Promise<string | undefined> {
  if (sources.isStopping()) return "stopping";
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new AppError({
          code: "timeout",
          message: "the database did not answer",
          op: "health.ready",
        }),
      );
    }, PING_TIMEOUT_MS);
  });
  try {
    await Promise.race([sources.pingDatabase(), deadline]);
    return undefined;
  } catch (error) {
    return error instanceof AppError ? `database: ${error.code}` : "database: internal";
  } finally {
    clearTimeout(timer);
  }
}

function registerMetrics(app: FastifyInstance, { sources, log }: HealthOptions): void {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "bucketbridge_http_request_seconds",
    help: "Requests by route, method and status",
    labelNames: ["method", "route", "status"],
    buckets: REQUEST_BUCKETS_SECONDS,
    registers,
  });
  const rings = new Gauge({
    name: "bucketbridge_rings",
    help: "Rings of this process since it started",
    labelNames: ["outcome"],
    registers,
  });
  const jobs = new Gauge({
    name: "bucketbridge_jobs",
    help: "Jobs of all processes by queue and state",
    labelNames: ["queue", "state"],
    registers,
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    requests.observe(labels, reply.elapsedTime / 1_000);
    done();
  });
  app.get("/metrics", OPEN, async (_request, reply) => {
    const { rung, failed } = sources.rings.counts();
    rings.set({ outcome: "rung" }, rung);
    rings.set({ outcome: "failed" }, failed);
    await readJobs(sources, jobs, log);
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

/** A queue that is away only leaves its series out. */
async function readJobs(
  { board }: HealthSources,
  jobs: Gauge<"queue" | "state">,
  log: FastifyBaseLogger,
): Promise<void> {
  jobs.reset();
  if (board === undefined) return;
  try {
    for (const { queue, state, count } of await countJobs(board.queues))
      jobs.set({ queue, state }, count);
  } catch (error) {
    log.debug({ err: error }, "metrics.source.away");
  }
}
