import { isAppError } from "@bucketbridge/core";
import { ApiError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { OpenStore } from "../../stores/stores.ts";
import { toCheckError, type Asker } from "./check-connection.ts";
import type { StorageDraft } from "./draft.ts";
import type { StorageKind } from "./storage-kind.ts";
import type { StorageWarning } from "./view.ts";

/** What a thorough check looks at, in its order; those that the type or the direction does not have are left out. */
export type CheckStepName =
  | "settings"
  | "connection"
  | "list"
  | "get"
  | "put"
  | "overwrite"
  | "delete"
  | "presign"
  | "cors"
  | "clock"
  | "region";

/** One thing that was tried. */
export interface CheckStep {
  readonly name: CheckStepName;
  readonly ok: boolean;
  /** What is wrong and what to do; with `ok` something worth to know. */
  readonly message?: string;
}

/** One thorough check of one draft. */
export interface DeepCheck {
  readonly deps: Pick<ApiDeps, "stores" | "storages" | "clock">;
  readonly kind: StorageKind;
  readonly draft: StorageDraft;
  readonly asker: Asker;
  /** Of the pages that will show the media: `https://label.example.org`. */
  readonly origin: string;
}

/** Failures that have a step of their own, wherever they are met. */
const STEP_OF_REASON: Readonly<Record<string, CheckStepName>> = {
  "s3.wrong_region": "region",
  "s3.clock_skew": "clock",
};

/** The steps of one check, in the order in which they were tried. */
export class CheckSteps {
  readonly list: CheckStep[] = [];
  readonly #signal: AbortSignal;

  /** `signal`: the caller has gone, which is no result. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  pass(name: CheckStepName, message?: string): void {
    this.list.push({ name, ok: true, ...(message === undefined ? {} : { message }) });
  }

  fail(name: CheckStepName, message: string): void {
    this.list.push({ name, ok: false, message });
  }

  /**
   * Tries something and says whether it went well. A refusal of the store is a failed step; a refused address and our own mistakes
   * end the check.
   */
  async try(name: CheckStepName, action: () => Promise<string | undefined>): Promise<boolean> {
    try {
      this.pass(name, await action());
      return true;
    } catch (error) {
      this.#signal.throwIfAborted();
      const { step, sentence } = toFailure(name, error);
      this.fail(step, sentence);
      return false;
    }
  }
}

/** A check that is under way on an open store. */
export interface OpenCheck extends DeepCheck {
  readonly open: OpenStore;
  readonly steps: CheckSteps;
  readonly warnings: StorageWarning[];
  readonly signal: AbortSignal;
}

function toFailure(
  name: CheckStepName,
  error: unknown,
): { readonly step: CheckStepName; readonly sentence: string } {
  const answer = toCheckError(error);
  if (!isAppError(answer) || answer.code === "internal") throw answer;
  if (answer instanceof ApiError && answer.status !== 400) throw answer;
  return { step: STEP_OF_REASON[answer.reason ?? ""] ?? name, sentence: sentenceOf(answer) };
}

/** What went wrong in one sentence, as the envelope would say it. */
function sentenceOf(error: Error): string {
  const complaints = error instanceof ApiError ? error.validationErrors : undefined;
  const [first] = [complaints?.["non_field_errors"] ?? error.message].flat();
  return typeof first === "string" ? first : error.message;
}
