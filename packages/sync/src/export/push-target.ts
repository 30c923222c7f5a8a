import { isAppError, type AppError } from "@bucketbridge/core";
import pLimit from "p-limit";
import { LeaseKeeper } from "../import/lease-keeper.ts";
import { DeliveryPusher, type PushResult } from "./delivery-pusher.ts";
import type { ExportEngine } from "./engine.ts";
import type {
  ClaimedDelivery,
  DeliveryClaim,
  PushFailure,
  SubjectRecord,
  TargetConnection,
  TargetRef,
  TargetSnapshot,
} from "./ports.ts";
import { toPushFailure } from "./push-failure.ts";

/** What a turn of pushing came to. `yield`: there is more to do, or the breaker asks to wait. */
export interface PushTurn {
  readonly delivered: number;
  readonly failed: number;
  readonly ended: { readonly kind: "idle" } | { readonly kind: "yield"; readonly delayMs: number };
}

/** Codes of a target that answers nobody: one probe at a time instead of thousands of attempts. */
const OUTAGE_CODES: ReadonlySet<string> = new Set([
  "unauthenticated",
  "permission_denied",
  "not_found",
  "rate_limited",
  "unavailable",
  "timeout",
  "invalid_config",
]);

/**
 * One turn of a target: claims due deliveries, puts (or deletes) what is newest now, records what the store answered, and
 * claims again until nothing is due, time is up or the breaker opens. Harmless to run by several workers at once: every
 * delivery is leased, and an older revision never replaces a newer one for good.
 */
export async function pushTarget(
  engine: ExportEngine,
  ref: TargetRef,
  signal: AbortSignal,
): Promise<PushTurn> {
  const yieldAt = engine.clock.now() + engine.options.yieldMs;
  let delivered = 0;
  let failed = 0;
  for (;;) {
    signal.throwIfAborted();
    const admitted = await engine.breaker.admit(ref);
    if (admitted.state === "open") {
      return {
        delivered,
        failed,
        ended: { kind: "yield", delayMs: admitted.retryAfterSeconds * 1_000 },
      };
    }
    const count = admitted.state === "probe" ? 1 : 2 * engine.options.parallelPuts;
    const claim = await engine.deliveries.claim(ref, engine.owner, count);
    if (claim === undefined || claim.deliveries.length === 0) {
      return { delivered, failed, ended: { kind: "idle" } };
    }
    const done = await pushClaim(engine, claim, signal);
    delivered += done.delivered;
    failed += done.failed;
    if (engine.clock.now() >= yieldAt)
      return { delivered, failed, ended: { kind: "yield", delayMs: 0 } };
  }
}

async function pushClaim(
  engine: ExportEngine,
  claim: DeliveryClaim,
  signal: AbortSignal,
): Promise<{ readonly delivered: number; readonly failed: number }> {
  const opened = await open(engine, claim);
  if (opened === undefined) return { delivered: 0, failed: claim.deliveries.length };
  try {
    const subjects = await engine.deliveries.readSubjects(claim.target, claim.deliveries);
    return await new ClaimPush(engine, claim, { connection: opened, subjects }).run(signal);
  } finally {
    opened.release();
  }
}

/** Undefined: the target cannot be opened as it is saved; its deliveries have failed and the breaker knows. */
async function open(
  engine: ExportEngine,
  claim: DeliveryClaim,
): Promise<TargetConnection | undefined> {
  try {
    return await engine.connections.acquire(claim.target);
  } catch (error) {
    if (!isAppError(error) || error.code === "canceled") throw error;
    for (const delivery of claim.deliveries) {
      await engine.deliveries.failed(
        claim.target,
        delivery,
        toPushFailure(error, delivery.attempts),
      );
    }
    await engine.breaker.onOutage(claim.target, toPushFailure(error, 1));
    return undefined;
  }
}

interface ClaimParts {
  readonly connection: TargetConnection;
  readonly subjects: ReadonlyMap<number, SubjectRecord>;
}

/** The deliveries of one claim on their way. What is left when the process stops is given back. */
class ClaimPush {
  readonly #engine: ExportEngine;
  readonly #target: TargetSnapshot;
  readonly #pusher: DeliveryPusher;
  readonly #subjects: ReadonlyMap<number, SubjectRecord>;
  readonly #waiting: Map<number, ClaimedDelivery>;
  #outage: { readonly error: AppError; readonly failure: PushFailure } | undefined;

  constructor(engine: ExportEngine, claim: DeliveryClaim, parts: ClaimParts) {
    this.#engine = engine;
    this.#target = claim.target;
    this.#subjects = parts.subjects;
    this.#pusher = new DeliveryPusher(claim.target, parts.connection.store, engine.clock);
    this.#waiting = new Map(claim.deliveries.map((delivery) => [delivery.subjectId, delivery]));
  }

  async run(outer: AbortSignal): Promise<{ delivered: number; failed: number }> {
    const keeper = new LeaseKeeper({
      renew: () => this.#renew(),
      clock: this.#engine.clock,
      log: this.#engine.log,
      leaseSeconds: this.#engine.options.leaseSeconds,
    });
    const signal = AbortSignal.any([outer, keeper.signal]);
    const limit = pLimit(this.#engine.options.parallelPuts);
    try {
      await this.#intend();
      const pushes = [...this.#waiting.values()].map((delivery) =>
        limit(() => this.#push(delivery, signal)),
      );
      const results = (await Promise.all(pushes)).filter((result) => result !== undefined);
      await this.#record(results);
      const delivered = results.filter((result) => result.kind === "delivered").length;
      return { delivered, failed: results.length - delivered };
    } finally {
      keeper.stop();
      const rest = [...this.#waiting.values()];
      if (rest.length > 0) await this.#engine.deliveries.release(this.#target, rest);
    }
  }

  /** A key that the database does not know yet is written down first; what is no longer ours is left alone. */
  async #intend(): Promise<void> {
    const intents = [...this.#waiting.values()].flatMap((delivery) => {
      const objectKey = this.#pusher.keyOf(this.#subjects.get(delivery.subjectId));
      return objectKey === undefined || objectKey === delivery.objectKey
        ? []
        : [{ delivery, objectKey }];
    });
    if (intents.length === 0) return;
    const held = await this.#engine.deliveries.intend(this.#target, intents);
    for (const { delivery } of intents) {
      if (!held.has(delivery.subjectId)) this.#waiting.delete(delivery.subjectId);
    }
  }

  /** Undefined: not begun, since the process stops or the target answers nobody; it is given back. */
  async #push(delivery: ClaimedDelivery, signal: AbortSignal): Promise<PushResult | undefined> {
    if (signal.aborted || this.#outage !== undefined) return undefined;
    this.#waiting.delete(delivery.subjectId);
    const result = await this.#pusher.push(
      delivery,
      this.#subjects.get(delivery.subjectId),
      signal,
    );
    if (result.kind !== "delivered" && OUTAGE_CODES.has(result.error.code)) {
      this.#outage ??= { error: result.error, failure: result.failure };
    }
    return result;
  }

  async #record(results: readonly PushResult[]): Promise<void> {
    const { deliveries, breaker } = this.#engine;
    const records = results.flatMap((result) =>
      result.kind === "delivered" ? [result.record] : [],
    );
    const lost = records.length === 0 ? [] : await deliveries.delivered(this.#target, records);
    for (const delivery of lost) {
      const failure = {
        code: "conflict" as const,
        message: "the lease was lost while the put was on its way",
        retryAfterSeconds: 0,
      };
      await deliveries.ambiguous(this.#target, delivery, failure);
    }
    for (const result of results) {
      if (result.kind === "failed")
        await deliveries.failed(this.#target, result.delivery, result.failure);
      if (result.kind === "ambiguous")
        await deliveries.ambiguous(this.#target, result.delivery, result.failure);
    }
    // Some went through and some did not: the target answers, so the failures are the objects' own.
    if (this.#outage !== undefined && records.length === 0)
      await breaker.onOutage(this.#target, this.#outage.failure);
    else if (records.length > 0) await breaker.onSuccess(this.#target);
  }

  async #renew(): Promise<"held" | "lost"> {
    const open = [...this.#waiting.values()];
    if (open.length === 0) return "held";
    const held = await this.#engine.deliveries.renew(this.#target, open);
    return held.size === 0 ? "lost" : "held";
  }
}
