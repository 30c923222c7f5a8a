import { countJobs, type Board, type Producer, type TurnReport } from "@bucketbridge/queue";
import type { CallRecord } from "@bucketbridge/storage";
import type { Logger } from "@bucketbridge/core";
import type { ByteBudget } from "@bucketbridge/sync";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { DeliveryObserver } from "./delivery-observer.ts";
import type { WorkObserver } from "./engine-observer.ts";
import type { WorkCounts } from "./ports.ts";
import type { WorkersWanted } from "./scale.ts";

/** What the metrics of a worker are read from. */
export interface MetricsSources {
  readonly producer: Producer;
  readonly board: Board;
  readonly bytes: ByteBudget;
  readonly countWork: () => Promise<WorkCounts>;
  readonly toWanted: (work: WorkCounts) => WorkersWanted;
  readonly log: Logger;
}

/** Where the parts of a worker report to. */
export interface Metrics extends WorkObserver, DeliveryObserver {
  onTurn(turn: TurnReport): void;
  onStoreCall(provider: string, call: CallRecord): void;
  /** A delivery is settled, so long after its wish was committed. */
  onSettled(lagSeconds: number): void;
  /** Rows that were dropped because they were old, by kind. */
  onRetention(dropped: Readonly<Record<string, number>>): void;
  /** The Prometheus text. A source that is away only leaves its series out. */
  render(): Promise<string>;
}

/** Seconds: from a no-op turn to a whole one. */
const TURN_BUCKETS = [0.01, 0.05, 0.25, 1, 5, 10, 15, 30, 60];
/** Seconds: from a push at once to one that waited for a target that was away. */
const LAG_BUCKETS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600];
const CALL_BUCKETS = [0.005, 0.02, 0.1, 0.5, 2, 10, 30];

/** Makes the registry of one worker process. Event loop lag, memory and CPU come from prom-client. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const turns = new Histogram({
    name: "bucketbridge_job_turn_seconds",
    help: "Turns of jobs by how they ended",
    labelNames: ["job", "end"],
    buckets: TURN_BUCKETS,
    registers,
  });
  const calls = new Histogram({
    name: "bucketbridge_storage_call_seconds",
    help: "Calls of stores by method and outcome",
    labelNames: ["provider", "method", "outcome"],
    buckets: CALL_BUCKETS,
    registers,
  });
  const received = new Counter({
    name: "bucketbridge_storage_received_bytes_total",
    help: "Bytes that were read from stores",
    labelNames: ["provider"],
    registers,
  });
  const work = new Counter({
    name: "bucketbridge_import_committed_total",
    help: "Pages, keys of pages and rows that this process has committed",
    labelNames: ["unit"],
    registers,
  });
  const refresh = registerGauges(registry, sources);
  return {
    onTurn: ({ job, end, seconds }) => {
      turns.observe({ job, end }, seconds);
    },
    onStoreCall: (provider, { method, outcome, durationMs, bytes }) => {
      calls.observe({ provider, method, outcome }, durationMs / 1_000);
      if (bytes !== undefined) received.inc({ provider }, bytes);
    },
    onPage: (keys) => {
      work.inc({ unit: "page" });
      work.inc({ unit: "key" }, keys);
    },
    onRows: (rows) => {
      work.inc({ unit: "row" }, rows);
    },
    ...registerDeliveries(registry),
    onRetention: registerRetention(registry),
    render: async () => {
      await refresh();
      return registry.metrics();
    },
  };
}

/** How pushes go. */
function registerDeliveries(registry: Registry): Pick<Metrics, "onDeliveries" | "onSettled"> {
  const registers = [registry];
  const outcomes = new Counter({
    name: "bucketbridge_deliveries_total",
    help: "Deliveries that this process has claimed by what became of them",
    labelNames: ["outcome"],
    registers,
  });
  const lag = new Histogram({
    name: "bucketbridge_delivery_lag_seconds",
    help: "From the wish for a delivery to its record as settled",
    buckets: LAG_BUCKETS,
    registers,
  });
  return {
    onDeliveries: (outcome, count) => {
      outcomes.inc({ outcome }, count);
    },
    onSettled: (lagSeconds) => {
      lag.observe(lagSeconds);
    },
  };
}

function registerRetention(registry: Registry): Metrics["onRetention"] {
  const counter = new Counter({
    name: "bucketbridge_retention_dropped_total",
    help: "Rows that this process has dropped because they were kept long enough",
    labelNames: ["kind"],
    registers: [registry],
  });
  return (dropped) => {
    for (const [kind, count] of Object.entries(dropped)) counter.inc({ kind }, count);
  };
}

/** Gauges that are read when somebody asks. */
function registerGauges(registry: Registry, sources: MetricsSources): () => Promise<void> {
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
  ): Gauge<Label> => new Gauge({ name, help, labelNames, registers: [registry] });
  const jobs = gauge("bucketbridge_jobs", "Jobs of all processes by queue and state", [
    "queue",
    "state",
  ]);
  const wanted = gauge(
    "bucketbridge_workers_wanted",
    "Worker processes that the waiting work could keep busy",
    ["group"],
  );
  const rings = gauge("bucketbridge_rings", "Rings of this process since it started", ["outcome"]);
  const inFlight = gauge(
    "bucketbridge_in_flight_bytes",
    "Bytes of task files that this process holds",
    [],
  );
  const due = gauge(
    "bucketbridge_deliveries_due",
    "Deliveries of all targets that wait to be pushed now; counted up to a bound",
    [],
  );
  const read = async (source: string, set: () => Promise<void>): Promise<void> => {
    try {
      await set();
    } catch (error) {
      sources.log.debug({ error, source }, "metrics.source.away");
    }
  };
  return async () => {
    const { rung, failed } = sources.producer.counts();
    rings.set({ outcome: "rung" }, rung);
    rings.set({ outcome: "failed" }, failed);
    inFlight.set(sources.bytes.usedBytes);
    jobs.reset();
    wanted.reset();
    await Promise.all([
      read("queue", async () => {
        for (const { queue, state, count } of await countJobs(sources.board.queues)) {
          jobs.set({ queue, state }, count);
        }
      }),
      read("database", async () => {
        const work = await sources.countWork();
        const workers = sources.toWanted(work);
        due.set(work.dueDeliveries);
        wanted.set({ group: "import" }, workers.import);
        wanted.set({ group: "export" }, workers.export);
      }),
    ]);
  };
}
