import { AppError, isAppError, OUTAGE_CODES } from "@bucketbridge/core";
import type { LimitFunction } from "p-limit";
import { LeaseKeeper } from "../import/lease-keeper.ts";
import { DeliveryPusher, toPutKey, type PushResult } from "./delivery-pusher.ts";
import type { ExportEngine } from "./engine.ts";
import { toPortions, type Portion } from "./portions.ts";
import type {
  ClaimedDelivery,
  DeliveryClaim,
  PushFailure,
  SubjectRecord,
  TargetConnection,
  TargetSnapshot,
} from "./ports.ts";
import { toOutage, toPushFailure } from "./push-failure.ts";

/** One probe at a time instead of thousands of attempts. */
const IS_OUTAGE: ReadonlySet<string> = new Set(OUTAGE_CODES);

/** A claim, and whether it is the one that an open breaker lets through. */
export interface PushClaim extends DeliveryClaim {
  readonly isProbe: boolean;
}

/** What became of a claim; the rest was given back. */
interface ClaimResult {
  readonly delivered: number;
  readonly failed: number;
}

/**
 * The deliveries of one claim on their way: each is waiting, begun (its push is on its way or not recorded yet) or gone from
 * here. All that are here keep their leases. Those that still wait at the end are given back, so that the claim does not count
 * for them; a begun one that could not be recorded is a put of unknown fate for whoever claims it after its lease.
 */
export class ClaimPush {
  readonly #engine: ExportEngine;
  readonly #claim: PushClaim;
  readonly #target: TargetSnapshot;
  readonly #limit: LimitFunction;
  readonly #waiting: Map<number, ClaimedDelivery>;
  readonly #begun = new Map<number, ClaimedDelivery>();
  #outage: AppError | undefined;

  constructor(engine: ExportEngine, claim: PushClaim, limit: LimitFunction) {
    this.#engine = engine;
    this.#claim = claim;
    this.#target = claim.target;
    this.#limit = limit;
    this.#waiting = new Map(claim.deliveries.map((delivery) => [delivery.subjectId, delivery]));
  }

  async run(outer: AbortSignal): Promise<ClaimResult> {
    const keeper = new LeaseKeeper({
      renew: () => this.#renew(),
      clock: this.#engine.clock,
      log: this.#engine.log,
      leaseSeconds: this.#engine.options.leaseSeconds,
    });
    try {
      return await this.#pushAll(AbortSignal.any([outer, keeper.signal]));
    } finally {
      keeper.stop();
      const rest = [...this.#waiting.values()];
      if (rest.length > 0) await this.#engine.deliveries.release(this.#target, rest);
    }
  }

  async #pushAll(signal: AbortSignal): Promise<ClaimResult> {
    const opened = await this.#open();
    if (opened instanceof AppError) return this.#failAll(opened);
    try {
      const pusher = new DeliveryPusher(this.#target, opened.store, this.#engine.clock);
      const { deliveries, subjects } = this.#claim;
      if (subjects !== undefined)
        return await this.#pushRead(pusher, { deliveries, subjects, signal });
      const total = { delivered: 0, failed: 0 };
      for (const portion of toPortions([...this.#waiting.values()])) {
        if (this.#outage !== undefined || signal.aborted) break;
        const { delivered, failed } = await this.#pushPortion(pusher, portion, signal);
        total.delivered += delivered;
        total.failed += failed;
      }
      return total;
    } finally {
      opened.release();
    }
  }

  /** Reads, renders and puts one portion while the budget of the process has room for it. */
  async #pushPortion(
    pusher: DeliveryPusher,
    portion: Portion,
    signal: AbortSignal,
  ): Promise<ClaimResult> {
    const giveBack = await this.#takeRoom(portion, signal);
    if (giveBack === undefined) return { delivered: 0, failed: 0 };
    try {
      const subjects = await this.#engine.deliveries.readSubjects(this.#target, portion.deliveries);
      const deliveries = await this.#intend(portion, subjects);
      return await this.#pushRead(pusher, { deliveries, subjects, signal });
    } finally {
      giveBack();
    }
  }

  /** Renders and puts what was read and may go where its key says. */
  async #pushRead(
    pusher: DeliveryPusher,
    read: {
      readonly deliveries: readonly ClaimedDelivery[];
      readonly subjects: ReadonlyMap<number, SubjectRecord>;
      readonly signal: AbortSignal;
    },
  ): Promise<ClaimResult> {
    const { deliveries, subjects, signal } = read;
    const pushes = deliveries.map((delivery) =>
      this.#limit(() => this.#push(pusher, { delivery, subjects, signal })),
    );
    const results = (await Promise.all(pushes)).filter((result) => result !== undefined);
    return this.#record(results);
  }

  /** Undefined: the process stops, or the leases are lost. */
  async #takeRoom(portion: Portion, signal: AbortSignal): Promise<(() => void) | undefined> {
    try {
      return await this.#engine.bytes.acquire(portion.bytes, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /** An error: the target cannot be opened as it is saved. */
  async #open(): Promise<TargetConnection | AppError> {
    try {
      return await this.#engine.connections.acquire(this.#target);
    } catch (error) {
      if (!isAppError(error) || error.code === "canceled") throw error;
      return error;
    }
  }

  async #failAll(error: AppError): Promise<ClaimResult> {
    const { deliveries, breaker } = this.#engine;
    const claimed = [...this.#waiting.values()];
    for (const delivery of claimed) {
      await deliveries.failed(this.#target, delivery, toPushFailure(error, delivery.attempts));
      this.#waiting.delete(delivery.subjectId);
    }
    await breaker.onOutage(this.#target, toOutage(error));
    return { delivered: 0, failed: claimed.length };
  }

  /** A key that the database does not know yet is written down first; what is no longer ours is left out. */
  async #intend(
    { deliveries }: Portion,
    subjects: ReadonlyMap<number, SubjectRecord>,
  ): Promise<readonly ClaimedDelivery[]> {
    const intents = deliveries.flatMap((delivery) => {
      const objectKey = toPutKey(this.#target, subjects.get(delivery.subjectId));
      return objectKey === undefined || objectKey === delivery.objectKey
        ? []
        : [{ delivery, objectKey }];
    });
    if (intents.length === 0) return deliveries;
    const held = await this.#engine.deliveries.intend(this.#target, intents);
    for (const { delivery } of intents) {
      if (!held.has(delivery.subjectId)) this.#waiting.delete(delivery.subjectId);
    }
    return deliveries.filter(({ subjectId }) => this.#waiting.has(subjectId));
  }

  /** Undefined: not begun, since the process stops or the target answers nobody; it is given back. */
  async #push(
    pusher: DeliveryPusher,
    push: {
      readonly delivery: ClaimedDelivery;
      readonly subjects: ReadonlyMap<number, SubjectRecord>;
      readonly signal: AbortSignal;
    },
  ): Promise<PushResult | undefined> {
    const { delivery, subjects, signal } = push;
    if (signal.aborted || this.#outage !== undefined) return undefined;
    this.#waiting.delete(delivery.subjectId);
    this.#begun.set(delivery.subjectId, delivery);
    const result = await pusher.push(delivery, subjects.get(delivery.subjectId), signal);
    if (result.kind !== "delivered" && IS_OUTAGE.has(result.error.code))
      this.#outage ??= result.error;
    return result;
  }

  async #record(results: readonly PushResult[]): Promise<ClaimResult> {
    const { deliveries } = this.#engine;
    const records = results.flatMap((result) =>
      result.kind === "delivered" ? [result.record] : [],
    );
    const lost = records.length === 0 ? [] : await deliveries.delivered(this.#target, records);
    for (const delivery of lost) {
      await deliveries.ambiguous(this.#target, delivery, {
        code: "conflict",
        message: "the lease was lost while the put was on its way",
        retryAfterSeconds: 0,
      });
    }
    for (const result of results) {
      if (result.kind !== "delivered")
        await deliveries[result.kind](this.#target, result.delivery, this.#waitOf(result));
    }
    this.#begun.clear();
    await this.#tellBreaker(results);
    const delivered = records.length - lost.length;
    return { delivered, failed: results.length - delivered };
  }

  /** A probe that nobody answers waits like the breaker: with longer waits of their own, a few deliveries would keep it open. */
  #waitOf({ failure, error }: Exclude<PushResult, { kind: "delivered" }>): PushFailure {
    if (!this.#claim.isProbe || !IS_OUTAGE.has(error.code) || error.retryAfterMs !== undefined)
      return failure;
    const { breakerSeconds } = this.#engine.options;
    return { ...failure, retryAfterSeconds: Math.min(failure.retryAfterSeconds, breakerSeconds) };
  }

  /** Any answer but a refusal of everybody closes it: when some pushes go through, the failures are the objects' own. */
  async #tellBreaker(results: readonly PushResult[]): Promise<void> {
    const { breaker } = this.#engine;
    const isAnswered = results.some(
      (result) =>
        result.kind === "delivered" ||
        (result.error.code !== "canceled" && !IS_OUTAGE.has(result.error.code)),
    );
    if (isAnswered) await breaker.onSuccess(this.#target);
    else if (this.#outage !== undefined)
      await breaker.onOutage(this.#target, toOutage(this.#outage));
  }

  async #renew(): Promise<"held" | "lost"> {
    const here = [...this.#waiting.values(), ...this.#begun.values()];
    if (here.length === 0) return "held";
    const held = await this.#engine.deliveries.renew(this.#target, here);
    return held.size === 0 ? "lost" : "held";
  }
}
