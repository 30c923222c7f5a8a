import { CLAIM_BYTES, CLAIM_OBJECTS, isAppError, type AppError } from "@bucketbridge/core";
import pLimit from "p-limit";
import type { ImportEngine } from "./engine.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { ObjectLoader, type LoadResult } from "./object-loader.ts";
import type { ClaimedObject, RunSnapshot, SourceConnection } from "./ports.ts";
import { toRunFailure } from "./run-failure.ts";

/** What a slot did before it ran out of work or time. */
export interface SlotResult {
  readonly objects: number;
  readonly rows: number;
  /** `idle`: nothing can be claimed now. `yield`: time is up. `stop`: canceled, settings changed or the run has ended. */
  readonly ended: "idle" | "yield" | "stop";
}

/**
 * Loads pending objects of a run: claims a bounded number, reads and parses several at once, saves them, and claims
 * again until there is nothing to claim or `yieldAt` has passed. What is claimed and not finished is given back. Ends
 * by throwing only for `signal` (`canceled`) and for failures of the database.
 */
export async function loadSlot(
  engine: ImportEngine,
  run: RunSnapshot,
  options: { readonly slot: number; readonly signal: AbortSignal; readonly yieldAt: number },
): Promise<SlotResult> {
  let objects = 0;
  let rows = 0;
  const connection = await openSource(engine, run);
  if (connection === undefined) return { objects, rows, ended: "stop" };
  try {
    for (;;) {
      options.signal.throwIfAborted();
      if (engine.clock.now() >= options.yieldAt) return { objects, rows, ended: "yield" };
      const claimed = await engine.loads.claim(run, engine.owner, {
        objects: CLAIM_OBJECTS,
        bytes: CLAIM_BYTES,
      });
      if (claimed.length === 0) return { objects, rows, ended: "idle" };
      const batch = new ClaimedBatch(engine, run, { connection, claimed, slot: options.slot });
      const done = await batch.load(options.signal);
      objects += done.objects;
      rows += done.rows;
      if (done.stopped) return { objects, rows, ended: "stop" };
    }
  } finally {
    connection.release();
  }
}

/** Undefined: the source can never be opened as it is saved, and the run has ended as failed. */
async function openSource(
  engine: ImportEngine,
  run: RunSnapshot,
): Promise<SourceConnection | undefined> {
  try {
    return await engine.connections.acquire(run.source);
  } catch (error) {
    if (!isAppError(error) || error.retry !== "never" || error.code === "canceled") throw error;
    await failRun(engine, run, error);
    return undefined;
  }
}

async function failRun(engine: ImportEngine, run: RunSnapshot, error: AppError): Promise<void> {
  const ended = await engine.runs.fail(run, toRunFailure(error), undefined);
  if (ended?.nextRunId == null) return;
  engine.bell.ringRun({ organizationId: run.organizationId, runId: ended.nextRunId });
}

interface BatchOptions {
  readonly connection: SourceConnection;
  readonly claimed: readonly ClaimedObject[];
  readonly slot: number;
}

/** The objects of one claim. Those that are left when the batch stops are released. */
class ClaimedBatch {
  readonly #engine: ImportEngine;
  readonly #run: RunSnapshot;
  readonly #loader: ObjectLoader;
  readonly #open: Map<number, ClaimedObject>;
  readonly #stop = new AbortController();

  constructor(engine: ImportEngine, run: RunSnapshot, options: BatchOptions) {
    this.#engine = engine;
    this.#run = run;
    this.#open = new Map(options.claimed.map((object) => [object.id, object]));
    this.#loader = new ObjectLoader(engine, run, {
      store: options.connection.store,
      slot: options.slot,
    });
  }

  async load(outer: AbortSignal): Promise<{ objects: number; rows: number; stopped: boolean }> {
    const keeper = new LeaseKeeper({
      renew: () => this.#renew(),
      clock: this.#engine.clock,
      log: this.#engine.log,
      leaseSeconds: this.#engine.options.leaseSeconds,
    });
    const signal = AbortSignal.any([outer, keeper.signal, this.#stop.signal]);
    const limit = pLimit(this.#engine.options.parallelLoads);
    let objects = 0;
    let rows = 0;
    try {
      const results = await Promise.allSettled(
        [...this.#open.values()].map((object) =>
          limit(() => this.#loadOne(object, signal, keeper)),
        ),
      );
      for (const result of results) {
        if (result.status === "rejected") throw result.reason;
        objects += result.value.finished ? 1 : 0;
        rows += result.value.rows;
      }
    } finally {
      keeper.stop();
      await this.#releaseRest();
    }
    outer.throwIfAborted();
    return { objects, rows, stopped: signal.aborted };
  }

  async #loadOne(
    object: ClaimedObject,
    signal: AbortSignal,
    keeper: LeaseKeeper,
  ): Promise<LoadResult> {
    if (isStopped(signal)) return { finished: false, rows: 0 };
    try {
      const result = await this.#loader.load(object, signal, () => {
        keeper.checkpoint();
      });
      this.#open.delete(object.id);
      if (result.refused !== undefined) await this.#refuse(result.refused);
      return result;
    } catch (error) {
      if (isStopped(signal) || isAppError(error, "canceled")) return { finished: false, rows: 0 };
      throw error;
    }
  }

  /** The store refuses the credentials: that is true of every object, so the run ends instead of failing each. */
  async #refuse(refused: NonNullable<LoadResult["refused"]>): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort("refused");
    await failRun(this.#engine, this.#run, refused);
  }

  async #renew(): Promise<"held" | "lost" | "cancel"> {
    const current = await this.#engine.runs.find(this.#run);
    if (current === undefined || current.state !== "running") return "lost";
    if (current.cancelRequested) return "cancel";
    const open = [...this.#open.values()];
    const held = await this.#engine.loads.renew(this.#run, open);
    return open.length > 0 && held.size === 0 ? "lost" : "held";
  }

  async #releaseRest(): Promise<void> {
    if (this.#open.size > 0) await this.#engine.loads.release(this.#run, [...this.#open.values()]);
  }
}

/** A question of its own: the compiler remembers what the signal said before the load. */
function isStopped(signal: AbortSignal): boolean {
  return signal.aborted;
}
