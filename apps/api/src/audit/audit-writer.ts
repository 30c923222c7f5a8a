import type { AuditEventRepository, NewAuditEvent } from "@bucketbridge/db";
import type { FastifyBaseLogger } from "fastify";

/** More than this are waiting only when the database is away for long. */
const MAX_WAITING = 10_000;
const MAX_BATCH = 500;
/** What was noted lately, so that it is not sent again; the oldest is forgotten first, and the database knows anyway. */
const MAX_NOTED = 50_000;

/** Writes events down after the answer, many in one statement: while one is on its way, the next ones gather. */
export class AuditWriter {
  readonly #repository: Pick<AuditEventRepository, "append">;
  readonly #log: FastifyBaseLogger;
  readonly #noted = new Set<string>();
  #waiting: NewAuditEvent[] = [];
  #writing: Promise<void> | undefined;

  constructor(repository: Pick<AuditEventRepository, "append">, log: FastifyBaseLogger) {
    this.#repository = repository;
    this.#log = log;
  }

  record(event: NewAuditEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#log.error({ action: event.action }, "audit.dropped");
      return;
    }
    this.#waiting.push(event);
    this.#writing ??= this.#writeAll();
  }

  /** Once for each key, as long as this process remembers it. */
  recordOnce(key: string, event: NewAuditEvent): void {
    if (this.#noted.has(key)) return;
    this.#noted.add(key);
    const [oldest] = this.#noted;
    if (this.#noted.size > MAX_NOTED && oldest !== undefined) this.#noted.delete(oldest);
    this.record(event);
  }

  /** Resolves when everything that was recorded is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      this.#waiting = this.#waiting.slice(MAX_BATCH);
      try {
        await this.#repository.append(batch);
      } catch (error) {
        // The change itself stands: what it was is told here instead.
        const actions = batch.map(({ action, actorId, requestId }) => ({
          action,
          actorId,
          requestId,
        }));
        this.#log.error({ err: error, events: actions }, "audit.failed");
      }
    }
    this.#writing = undefined;
  }
}
