import { OUTAGE_CODES } from "@bucketbridge/core";
import type { Database } from "../client.ts";
import { runStatement, type Statements, type StatementValue } from "../statements.ts";
import { toStorableText } from "../storable-text.ts";
import type { ExportStoreDeps } from "./delivery-store.ts";
import type { PushFailureRecord, TargetKey, TargetPlaceKey } from "./records.ts";

/** A probe is one push: its deadline (30 s) and some time to record it. After it the next caller may try. */
const PROBE_SECONDS = 45;
/** A target that is back is noticed within a minute. */
const MAX_WAIT_SECONDS = 60;

/** Whether a target may be pushed to. `probe`: one delivery, whose outcome closes the breaker or keeps it open. */
export type BreakerState =
  | { readonly state: "closed" | "probe" }
  | { readonly state: "open"; readonly retryAfterSeconds: number };

/** The breaker of a target, on its storage row: all workers see the same one, and the database's clock decides. */
export class BreakerStore {
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #maxWaitSeconds: number;

  constructor({ database, statements, breakerSeconds = MAX_WAIT_SECONDS }: ExportStoreDeps) {
    this.#database = database;
    this.#statements = statements;
    this.#maxWaitSeconds = breakerSeconds;
  }

  /** One caller at a time gets the probe. A target that is gone is closed: the claim says so. */
  async admit(target: TargetKey): Promise<BreakerState> {
    const [row] = await this.#rows<{ state: BreakerState["state"]; wait: number }>(
      target,
      "breaker-admit",
      [target.targetId, PROBE_SECONDS],
    );
    if (row === undefined) return { state: "closed" };
    if (row.state === "open") return { state: "open", retryAfterSeconds: row.wait };
    return { state: row.state };
  }

  /** The place that `target` names answered: what it did not answer is due at once. One that the target left does not count. */
  async onSuccess(target: TargetPlaceKey): Promise<void> {
    const values = [target.targetId, target.locationVersion, OUTAGE_CODES];
    await this.#rows(target, "breaker-success", values);
  }

  /** The place that `target` names answers nobody. Several callers in one moment count once. */
  async onOutage(target: TargetPlaceKey, failure: PushFailureRecord): Promise<void> {
    await this.#rows(target, "breaker-outage", [
      target.targetId,
      target.locationVersion,
      failure.code,
      toStorableText(failure.message),
      this.#maxWaitSeconds,
      // A backoff of ours is for one delivery; of a store that named a time, at most that of one wait is honoured here.
      Math.min(failure.retryAfterSeconds, this.#maxWaitSeconds),
    ]);
  }

  async #rows<Row>(
    target: TargetKey,
    name: "breaker-admit" | "breaker-success" | "breaker-outage",
    values: readonly StatementValue[],
  ): Promise<Row[]> {
    return this.#database.inOrganization(
      target.organizationId,
      (tx) => runStatement<Row>(tx, this.#statements[name], values),
      { op: "db.breaker" },
    );
  }
}
