import { AppError, isAppError, type Clock } from "@bucketbridge/core";
import type { ObjectStore } from "@bucketbridge/storage";
import { toObjectKey } from "./object-key.ts";
import type {
  ClaimedDelivery,
  DeliveredRecord,
  PushFailure,
  SubjectRecord,
  TargetSnapshot,
} from "./ports.ts";
import { toPushFailure, toUnknownFate } from "./push-failure.ts";
import { renderSubject } from "./render.ts";

/** How one push ended. `ambiguous`: no answer came, the store may still apply it. */
export type PushResult =
  | { readonly kind: "delivered"; readonly record: DeliveredRecord }
  | {
      readonly kind: "failed" | "ambiguous";
      readonly delivery: ClaimedDelivery;
      readonly failure: PushFailure;
      readonly error: AppError;
    };

/** Codes after which nobody knows whether the store will apply the write; every other code is an answer. */
const NO_ANSWER: ReadonlySet<string> = new Set(["timeout", "unavailable", "internal", "canceled"]);

/** Makes a target's bucket agree with one delivery at a time. One attempt each: a retry here would hide an ambiguous write. */
export class DeliveryPusher {
  readonly #target: TargetSnapshot;
  readonly #store: ObjectStore;
  readonly #clock: Clock;

  constructor(target: TargetSnapshot, store: ObjectStore, clock: Clock) {
    this.#target = target;
    this.#store = store;
    this.#clock = clock;
  }

  /** Puts what is newest, or deletes. `subject` undefined: it is gone. Resolves for every outcome of the store. */
  async push(
    delivery: ClaimedDelivery,
    subject: SubjectRecord | undefined,
    signal: AbortSignal,
  ): Promise<PushResult> {
    try {
      const record = isGone(this.#target, subject)
        ? await this.#remove(delivery, signal)
        : await this.#put(delivery, subject, signal);
      return { kind: "delivered", record };
    } catch (error) {
      return isAppError(error) ? toUnsuccessful(delivery, error) : toUnrendered(delivery, error);
    }
  }

  async #put(
    delivery: ClaimedDelivery,
    subject: SubjectRecord,
    signal: AbortSignal,
  ): Promise<DeliveredRecord> {
    const objectKey = toObjectKey(this.#target, subject);
    const body = renderSubject(subject, {
      layout: this.#target.provider === "localfiles" ? "indented" : "line",
      nowMs: this.#clock.now(),
    });
    const info = await this.#store.put(
      { key: objectKey, body, contentType: "application/json" },
      { signal },
    );
    const etag = info.etag ?? null;
    return { delivery, revision: revisionOf(subject), objectKey, etag, bytes: body.byteLength };
  }

  /** What the bucket holds stays where the target may not delete; without a key no put ever went out. */
  async #remove(delivery: ClaimedDelivery, signal: AbortSignal): Promise<DeliveredRecord> {
    const { objectKey } = delivery;
    if (this.#target.canDeleteObjects && objectKey !== null)
      await this.#store.delete(objectKey, { signal });
    return { delivery, revision: delivery.wantedRevision, objectKey, etag: null };
  }
}

/** Where a put of this subject goes; undefined when there is nothing to put. */
export function toPutKey(
  target: TargetSnapshot,
  subject: SubjectRecord | undefined,
): string | undefined {
  return isGone(target, subject) ? undefined : toObjectKey(target, subject);
}

/** A task without annotations has no object. At a place that the target has left nothing is put, whatever there is by now. */
function isGone(target: TargetSnapshot, subject: SubjectRecord | undefined): subject is undefined {
  if (subject === undefined || target.isRetired) return true;
  return subject.type === "task" && subject.annotations.length === 0;
}

function toUnsuccessful(delivery: ClaimedDelivery, error: AppError): PushResult {
  return NO_ANSWER.has(error.code)
    ? { kind: "ambiguous", delivery, failure: toUnknownFate(error, delivery.attempts), error }
    : { kind: "failed", delivery, failure: toPushFailure(error, delivery.attempts), error };
}

/** The store wraps all that it throws: it was never asked. One subject that cannot be rendered must not stop the others. */
function toUnrendered(delivery: ClaimedDelivery, cause: unknown): PushResult {
  const subject = `${delivery.subjectType} ${String(delivery.subjectId)}`;
  const message = `${subject} could not be written as JSON: this is a bug, see the log of the worker`;
  const error = new AppError({ code: "internal", op: "export.render", message, cause });
  return { kind: "failed", delivery, failure: toPushFailure(error, delivery.attempts), error };
}

function revisionOf(subject: SubjectRecord): number {
  return subject.type === "annotation" ? subject.annotation.revision : subject.task.exportRevision;
}
