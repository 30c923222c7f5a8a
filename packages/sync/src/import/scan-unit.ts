import {
  backoffMs,
  CLAIM_OBJECTS,
  isAppError,
  throwIfCanceled,
  type AppError,
} from "@bucketbridge/core";
import type { ListPage, ObjectStore } from "@bucketbridge/storage";
import { extensionFailure } from "../formats/index.ts";
import type { EngineOptions, ImportEngine } from "./engine.ts";
import { folderPrefix } from "./folder-prefix.ts";
import { LeaseKeeper, type RenewalResult } from "./lease-keeper.ts";
import { findOwnExports } from "./own-exports.ts";
import { preparePage, type PageRules, type PreparedPage } from "./page-rules.ts";
import type { PageOutcome, SourceConnection, UnitLease } from "./ports.ts";
import { readAhead } from "./read-ahead.ts";
import { toRunFailure } from "./run-failure.ts";
import { compileUserPattern } from "./user-pattern.ts";

/**
 * How a unit ended for this worker. `done`: listed to its end. `yield`: time is up, the unit is given back. `lost`:
 * another worker has it or the settings changed. `cancel`: somebody asked the run to stop, the unit is given back.
 * `failed`: the run has ended as failed.
 */
export type ScanOutcome = "done" | "yield" | "lost" | "cancel" | "failed";

/** Waits between attempts while a store is away. */
const OUTAGE_BACKOFF = { baseMs: 500, capMs: 10_000 };

/**
 * Listing and inserting take turns in being the slower one, page by page; a few pages between them let both go on. A page
 * takes about 1 MB at most (1,000 keys of 1 KB).
 */
const PAGES_AHEAD = 4;

/**
 * Lists one leased unit page by page, each page one statement that inserts what is new and moves the cursor. The next
 * pages are fetched while the present one is inserted. Ends as `ScanOutcome` says; throws only for failures of the
 * database and for `signal` (`canceled`), with the unit given back.
 */
export async function scanUnit(
  engine: ImportEngine,
  lease: UnitLease,
  options: { readonly signal: AbortSignal; readonly yieldAt: number },
): Promise<ScanOutcome> {
  const keeper = new LeaseKeeper({
    renew: () => renewUnit(engine, lease),
    clock: engine.clock,
    log: engine.log,
    leaseSeconds: engine.options.leaseSeconds,
  });
  const signal = AbortSignal.any([options.signal, keeper.signal]);
  const scan = new UnitScan(engine, lease, { keeper, signal, yieldAt: options.yieldAt });
  let outcome: ScanOutcome | undefined;
  try {
    outcome = await scan.run();
    return outcome;
  } catch (error) {
    if (keeper.signal.aborted) {
      outcome = keeper.signal.reason === "cancel" ? "cancel" : "lost";
      return outcome;
    }
    throw error;
  } finally {
    keeper.stop();
    if (outcome === undefined || outcome === "yield" || outcome === "cancel")
      await engine.scans.releaseUnit(lease);
  }
}

async function renewUnit(engine: ImportEngine, lease: UnitLease): Promise<RenewalResult> {
  const renewed = await engine.scans.renewUnit(lease);
  if (renewed === undefined) return "lost";
  return renewed.cancel ? "cancel" : "held";
}

interface ScanTurn {
  readonly keeper: LeaseKeeper;
  readonly signal: AbortSignal;
  readonly yieldAt: number;
}

/** One worker's turn on one unit. */
class UnitScan {
  readonly #engine: ImportEngine;
  readonly #lease: UnitLease;
  readonly #turn: ScanTurn;
  /** Where the listing goes on: the token, or the key after which it starts when the token is of no use. */
  #cursor: string | null;
  #lastKey: string | null;
  #resumeAfter: string | null = null;
  #canListAfter = true;
  #failingSince: number | undefined;
  #attempt = 0;
  #loadsRung = 0;

  constructor(engine: ImportEngine, lease: UnitLease, turn: ScanTurn) {
    this.#engine = engine;
    this.#lease = lease;
    this.#turn = turn;
    this.#cursor = lease.cursor;
    this.#lastKey = lease.lastKey;
  }

  async run(): Promise<ScanOutcome> {
    for (;;) {
      try {
        return await this.#list();
      } catch (error) {
        const ended = await this.#afterListError(error);
        if (ended !== undefined) return ended;
      }
    }
  }

  /** Lists from the present position until an outcome; an error of the store is thrown as `AppError`. */
  async #list(): Promise<ScanOutcome> {
    const { connections, options } = this.#engine;
    const connection = await connections.acquire(this.#lease.source);
    const listing = new AbortController();
    try {
      const store = connection.store;
      this.#canListAfter = store.traits.listAfter;
      const pages = store.pages(
        {
          prefix: folderPrefix(this.#lease.source.prefix),
          recursive: this.#lease.source.recursiveScan,
          limit: options.pageSize,
          ...this.#position(store),
        },
        { signal: AbortSignal.any([this.#turn.signal, listing.signal]) },
      );
      return await this.#consume(pages, connection);
    } finally {
      // Pages that were asked for and are not wanted any more.
      listing.abort();
      connection.release();
    }
  }

  #position(store: ObjectStore): { readonly cursor?: string; readonly after?: string } {
    if (this.#cursor !== null && this.#resumeAfter === null) return { cursor: this.#cursor };
    const after = this.#resumeAfter ?? this.#lease.after;
    return after === null || !store.traits.listAfter ? {} : { after };
  }

  async #consume(
    pages: AsyncGenerator<ListPage, void, undefined>,
    connection: SourceConnection,
  ): Promise<ScanOutcome> {
    const rules = pageRules(this.#lease, connection, this.#engine.options);
    const ahead = readAhead(pages, PAGES_AHEAD);
    const exports = await findOwnExports(this.#engine, this.#lease, this.#lease.source);
    for (;;) {
      const listed = await ahead.next();
      if (listed === undefined) return await this.#commitEnd(rules, connection);
      this.#failingSince = undefined;
      this.#attempt = 0;
      const prepared = preparePage(listed, { ...rules, ownExports: await exports.findIn(listed) });
      const outcome = await this.#commit(prepared, connection);
      if (outcome !== undefined) return outcome;
      throwIfCanceled(this.#turn.signal, "import.scan");
      if (this.#engine.clock.now() >= this.#turn.yieldAt) return "yield";
    }
  }

  /** A listing without a single page still ends the unit. */
  #commitEnd(rules: PageRules, connection: SourceConnection): Promise<ScanOutcome> {
    const empty: ListPage = { keys: [], sizes: [], etags: [], modified: [] };
    return this.#commit(preparePage(empty, rules), connection).then((outcome) => outcome ?? "done");
  }

  /** Undefined: the listing goes on. */
  async #commit(
    prepared: PreparedPage,
    connection: SourceConnection,
  ): Promise<ScanOutcome | undefined> {
    const { page } = prepared;
    const saved = await this.#save(prepared, connection);
    if (saved === undefined) return "lost";
    this.#turn.keeper.checkpoint();
    this.#cursor = page.cursor;
    this.#lastKey = page.lastKey ?? this.#lastKey;
    this.#resumeAfter = null;
    this.#ringLoads(saved);
    if (page.endOfUnit) return "done";
    return saved.cancel ? "cancel" : undefined;
  }

  #save(prepared: PreparedPage, connection: SourceConnection): Promise<PageOutcome | undefined> {
    const { scans } = this.#engine;
    const { page, filteredKeys } = prepared;
    if (this.#lease.runKind === "dry_run")
      return scans.recordDryRunPage(this.#lease, { page, filteredKeys });
    if (!this.#lease.source.useBlobUrls) return scans.insertTasksPage(this.#lease, page);
    return scans.insertFilesPage(this.#lease, page, {
      references: connection.toReferences(page.keys),
    });
  }

  /** Rings a load slot for each claim that the page brought, up to the cap; slot 0 is the run's own job. */
  #ringLoads(saved: PageOutcome): void {
    if (this.#lease.runKind === "dry_run" || this.#lease.source.useBlobUrls) return;
    const { bell, options } = this.#engine;
    let claims = Math.ceil((saved.created + saved.rearmed) / CLAIM_OBJECTS);
    for (; claims > 0 && this.#loadsRung < options.loadSlots - 1; claims--) {
      this.#loadsRung++;
      bell.ringLoad(this.#lease, this.#loadsRung);
    }
  }

  /** Decides after a failed listing: an outcome ends the turn, undefined lists again from the last committed page. */
  async #afterListError(error: unknown): Promise<ScanOutcome | undefined> {
    throwIfCanceled(this.#turn.signal, "import.scan");
    if (!isAppError(error)) throw error;
    if (error.reason?.endsWith(".cursor_expired") === true) return this.#restart();
    if (error.op?.startsWith("storage.") !== true && error.retry !== "never") throw error;
    const { clock, options, log } = this.#engine;
    this.#failingSince ??= clock.now();
    this.#attempt++;
    if (error.retry === "never" || clock.now() - this.#failingSince >= options.outageMs)
      return this.#fail(error);
    log.warn({ error, attempt: this.#attempt }, "import.scan.retry");
    await clock.sleep(
      error.retryAfterMs ?? backoffMs(OUTAGE_BACKOFF, this.#attempt),
      this.#turn.signal,
    );
    return undefined;
  }

  /** The token of the listing has expired: go on after the last key, or list the unit afresh (known keys fly by). */
  async #restart(): Promise<undefined> {
    if (this.#cursor === null) return undefined;
    this.#cursor = null;
    if (this.#lastKey !== null && this.#canListAfter) this.#resumeAfter = this.#lastKey;
    else await this.#engine.scans.restartUnit(this.#lease);
    return undefined;
  }

  async #fail(error: AppError): Promise<ScanOutcome> {
    const ended = await this.#engine.runs.fail(this.#lease, toRunFailure(error), this.#lease);
    if (ended === undefined) return "lost";
    if (ended.nextRunId !== null) {
      this.#engine.bell.ringRun({
        organizationId: this.#lease.organizationId,
        runId: ended.nextRunId,
      });
    }
    return "failed";
  }
}

function pageRules(
  lease: UnitLease,
  connection: SourceConnection,
  { maxObjectBytes }: EngineOptions,
): PageRules {
  const { regexFilter, useBlobUrls } = lease.source;
  const pattern =
    regexFilter === null || regexFilter === "" ? undefined : compileUserPattern(regexFilter);
  return {
    accepts: pattern === undefined ? undefined : (key) => pattern.test(connection.filterName(key)),
    taskFileFailure: useBlobUrls ? undefined : extensionFailure,
    maxObjectBytes,
    until: lease.until,
    ordered: connection.store.traits.order === "key",
  };
}
