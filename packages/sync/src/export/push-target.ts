import pLimit, { type LimitFunction } from "p-limit";
import { ClaimPush, type PushClaim } from "./claim-push.ts";
import { toPutKey } from "./delivery-pusher.ts";
import type { ExportEngine } from "./engine.ts";
import type { ClaimOptions, TargetRef } from "./ports.ts";
import { HELD_PER_STORED } from "./portions.ts";
import { SparingBreaker } from "./sparing-breaker.ts";

/** What a turn of pushing came to. `yield`: there is more to do, or the breaker asks to wait. */
export interface PushTurn {
  readonly delivered: number;
  /** Refused or without an answer; they are due again later. */
  readonly failed: number;
  readonly ended: { readonly kind: "idle" } | { readonly kind: "yield"; readonly delayMs: number };
}

/** How long a turn goes on. */
export interface PushTurnOptions {
  /** Default: the engine's. */
  readonly yieldMs?: number | undefined;
  /** Asked before each claim; false ends the turn. */
  readonly mayGoOn?: (() => Promise<boolean>) | undefined;
  /** A busy target is looked at a little longer: the next wish is sooner found than by a job of its own. Default false. */
  readonly lingers?: boolean | undefined;
}

/** One lane talks to the database while the other one puts. */
const MAX_LANES = 2;
/** A claim of a lane: what is put while the other lane talks to the database, which takes about as long as two puts. */
const CLAIMED_PER_PUT = 2;
/** A target that is saved into ten times a second or more stays in hand; one that is quiet frees its place after this. */
const LINGER_MS = 100;
const LOOK_AGAIN_MS = 20;
/** One claim may be a single save; the second one that found something says that more are coming. */
const BUSY_CLAIMS = 2;
/** Claims that need no more memory than this are read together with the claim: all but those of very large annotations. */
const SMALL_CLAIM_BYTES = 8 * 1024 * 1024;

/**
 * One turn of a target: claims due deliveries, puts (or deletes) what is newest now, records what the store answered, and
 * claims again until nothing is due, time is up or the breaker opens. Harmless to run by several workers at once: every
 * delivery is leased, and an older revision never replaces a newer one for good. Rejects with the signal's reason when it is
 * aborted, and with what the database says; what was claimed and not begun is given back first.
 */
export function pushTarget(
  engine: ExportEngine,
  ref: TargetRef,
  signal: AbortSignal,
  options: PushTurnOptions = {},
): Promise<PushTurn> {
  return new TargetTurn(engine, { ref, signal, ...options }).run();
}

class TargetTurn {
  readonly #engine: ExportEngine;
  readonly #ref: TargetRef;
  readonly #signal: AbortSignal;
  readonly #mayGoOn: () => Promise<boolean>;
  readonly #yieldAt: number;
  readonly #limit: LimitFunction;
  readonly #lanes: Promise<void>[] = [];
  readonly #lingers: boolean;
  #claims = 0;
  #foundAt = 0;
  #isOver = false;
  #delivered = 0;
  #failed = 0;
  #ended: PushTurn["ended"] = { kind: "idle" };

  constructor(
    engine: ExportEngine,
    turn: PushTurnOptions & { readonly ref: TargetRef; readonly signal: AbortSignal },
  ) {
    this.#engine = { ...engine, breaker: new SparingBreaker(engine.breaker, engine.clock) };
    this.#ref = turn.ref;
    this.#signal = turn.signal;
    this.#mayGoOn = turn.mayGoOn ?? (() => Promise.resolve(true));
    this.#yieldAt = engine.clock.now() + (turn.yieldMs ?? engine.options.yieldMs);
    this.#limit = pLimit(engine.options.parallelPuts);
    this.#lingers = turn.lingers ?? false;
  }

  async run(): Promise<PushTurn> {
    this.#startLane();
    // A lane may start another one; none is left behind when one fails.
    for (const lane of this.#lanes) await Promise.allSettled([lane]);
    await Promise.all(this.#lanes);
    return { delivered: this.#delivered, failed: this.#failed, ended: this.#ended };
  }

  #startLane(): void {
    const lane = this.#lane();
    lane.catch(() => {
      this.#isOver = true;
    });
    this.#lanes.push(lane);
  }

  async #lane(): Promise<void> {
    while (!this.#isOver) {
      this.#signal.throwIfAborted();
      if (!(await this.#mayGoOn())) return;
      if (await this.#pushClaim()) this.#foundAt = this.#engine.clock.now();
      else if (this.#shouldLinger()) await this.#engine.clock.sleep(LOOK_AGAIN_MS, this.#signal);
      else return;
      if (this.#engine.clock.now() >= this.#yieldAt) this.#end({ kind: "yield", delayMs: 0 });
    }
  }

  #shouldLinger(): boolean {
    if (!this.#lingers || this.#isOver || this.#claims < BUSY_CLAIMS) return false;
    return this.#engine.clock.now() - this.#foundAt < LINGER_MS;
  }

  /** False: nothing is due, or the breaker is open. */
  async #pushClaim(): Promise<boolean> {
    const giveBack = this.#engine.bytes.tryAcquire(SMALL_CLAIM_BYTES);
    try {
      const claim = await this.#claim(giveBack === undefined ? 0 : SMALL_CLAIM_BYTES);
      if (claim === undefined || claim.deliveries.length === 0) return false;
      this.#claims++;
      if (claim.subjects === undefined) giveBack?.();
      const done = await new ClaimPush(this.#engine, claim, this.#limit).run(this.#signal);
      this.#delivered += done.delivered;
      this.#failed += done.failed;
      return true;
    } finally {
      giveBack?.();
    }
  }

  /** Undefined: the target is gone, or the breaker is open. */
  async #claim(roomBytes: number): Promise<PushClaim | undefined> {
    const { deliveries, owner, options } = this.#engine;
    const count = options.parallelPuts * CLAIMED_PER_PUT;
    const how = { readUpToBytes: roomBytes / HELD_PER_STORED, keyOf: toPutKey };
    const claim = await deliveries.claim(this.#ref, owner, count, { ...how, onlyWhenClosed: true });
    if (claim?.isHeldBack === true) return this.#claimOne(how);
    if (claim?.deliveries.length === count && this.#lanes.length < MAX_LANES) this.#startLane();
    return claim === undefined ? undefined : { ...claim, isProbe: false };
  }

  /** The probe of a target that did not answer: one caller at a time gets it. */
  async #claimOne(how: ClaimOptions): Promise<PushClaim | undefined> {
    const { breaker, deliveries, owner } = this.#engine;
    const admitted = await breaker.admit(this.#ref);
    if (admitted.state === "open") {
      this.#end({ kind: "yield", delayMs: Math.ceil(admitted.retryAfterSeconds * 1_000) });
      return undefined;
    }
    const claim = await deliveries.claim(this.#ref, owner, 1, how);
    return claim === undefined ? undefined : { ...claim, isProbe: true };
  }

  #end(ended: PushTurn["ended"]): void {
    this.#isOver = true;
    this.#ended = ended;
  }
}
