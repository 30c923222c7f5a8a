import { AppError, isAppError, throwIfCanceled } from "@bucketbridge/core";
import { isProbeKey, type ListPage } from "@bucketbridge/storage";
import { toRunFailure } from "../import/run-failure.ts";
import type { ExportEngine } from "./engine.ts";
import { toTargetFolder } from "./object-key.ts";
import type { Comparison, ExportRunSnapshot, TargetConnection } from "./ports.ts";
import { toSiblingKeys, type SiblingPlace } from "./sibling-keys.ts";

/** How a turn ended: all is compared; time is up; the run is no longer what it was; the listing failed and so did the run. */
export type ComparisonOutcome = "done" | "yield" | "lost" | "failed";

/** When a turn ends. */
export interface ComparisonTurn {
  readonly yieldAt: number;
  readonly signal: AbortSignal;
}

/**
 * Compares a target's bucket with its deliveries, from where the run stands: page by page of the listing, each kept together with
 * the cursor, then chunk by chunk the deliveries that no page has shown. Memory is that of one page. A page that two
 * workers compare counts once. Objects of other targets at the same place, folder markers and what is put at this very
 * moment are no findings; nothing is deleted that was not delivered. Throws for failures of the database alone.
 */
export async function compareTarget(
  engine: ExportEngine,
  run: ExportRunSnapshot,
  turn: ComparisonTurn,
): Promise<ComparisonOutcome> {
  const comparison = await engine.comparisons.begin(run);
  if (comparison === undefined) return "lost";
  if (comparison.isListed) return findMissing(engine, run, turn);
  let listed: ComparisonOutcome;
  try {
    listed = await new ListingComparison(engine, run, comparison).run(turn);
  } catch (error) {
    throwIfCanceled(turn.signal, "export.reconcile");
    return await afterListError(engine, run, { error, comparison });
  }
  return listed === "done" ? findMissing(engine, run, turn) : listed;
}

/** The pages of one turn. */
class ListingComparison {
  readonly #engine: ExportEngine;
  readonly #run: ExportRunSnapshot;
  readonly #comparison: Comparison;

  constructor(engine: ExportEngine, run: ExportRunSnapshot, comparison: Comparison) {
    this.#engine = engine;
    this.#run = run;
    this.#comparison = comparison;
  }

  async run({ yieldAt, signal }: ComparisonTurn): Promise<ComparisonOutcome> {
    const { target, cursor } = this.#comparison;
    const siblings = await this.#findSiblings();
    const connection = await this.#engine.connections.acquire(target);
    try {
      let { page, since } = this.#comparison;
      for await (const listed of this.#list(connection, cursor, signal)) {
        const kept = await this.#keep(listed, { page, since, siblings });
        if (kept === undefined) return "lost";
        if (listed.cursor === undefined) return "done";
        throwIfCanceled(signal, "export.reconcile");
        if (this.#engine.clock.now() >= yieldAt) return "yield";
        page++;
        since = kept.since;
      }
      return "done";
    } finally {
      connection.release();
    }
  }

  #list(
    { store }: TargetConnection,
    cursor: string | null,
    signal: AbortSignal,
  ): AsyncGenerator<ListPage, void, undefined> {
    const prefix = toTargetFolder(this.#comparison.target);
    const limit = this.#engine.options.comparePage;
    return store.pages({ prefix, limit, ...(cursor === null ? {} : { cursor }) }, { signal });
  }

  async #keep(
    listed: ListPage,
    at: {
      readonly page: number;
      readonly since: string;
      readonly siblings: readonly SiblingPlace[];
    },
  ): Promise<{ readonly since: string } | undefined> {
    const { comparisons, bell } = this.#engine;
    const columns = toColumns(listed);
    const kept = await comparisons.addPage(this.#run, {
      ...columns,
      page: at.page,
      since: at.since,
      named: await this.#findNamed(columns.keys, at.siblings),
      cursor: listed.cursor ?? null,
    });
    if (kept !== undefined && kept.repaired > 0) bell.ringPush(this.#run);
    return kept;
  }

  async #findSiblings(): Promise<readonly SiblingPlace[]> {
    const { target, siblings } = this.#comparison;
    const { connections } = this.#engine;
    const own = await connections.describe(target.provider, target.settings);
    if (own === undefined) return [];
    const places: SiblingPlace[] = [];
    for (const { targetId, provider, settings } of siblings) {
      const place = await connections.describe(provider, settings);
      if (place !== undefined) places.push({ targetId, own, place });
    }
    return places;
  }

  /** For each key whether another target names it: its objects lie at the same place. */
  async #findNamed(
    keys: readonly string[],
    siblings: readonly SiblingPlace[],
  ): Promise<readonly boolean[]> {
    const named = keys.map(() => false);
    for (const sibling of siblings) {
      const pairs = toSiblingKeys(sibling, keys);
      if (pairs.length === 0) continue;
      const wanted = pairs.map(({ key }) => ({ targetId: sibling.targetId, key }));
      const found = await this.#engine.comparisons.findNamed(this.#run, wanted);
      pairs.forEach(({ index }, place) => {
        if (found[place] === true) named[index] = true;
      });
    }
    return named;
  }
}

interface Columns {
  readonly keys: string[];
  readonly etags: (string | null)[];
  readonly bytes: number[];
}

/** Folder markers and probes are nobody's; a name that is no text is still somebody's object. */
function toColumns(listed: ListPage): Columns {
  const columns: Columns = { keys: [], etags: [], bytes: [] };
  const add = (key: string, etag: string, bytes: number): void => {
    columns.keys.push(key.toWellFormed().replaceAll("\u0000", "\uFFFD"));
    columns.etags.push(etag === "" ? null : etag);
    columns.bytes.push(bytes);
  };
  listed.keys.forEach((key, index) => {
    if (!key.endsWith("/") && !isProbeKey(key))
      add(key, listed.etags[index] ?? "", listed.sizes[index] ?? 0);
  });
  for (const { name, code, reason } of listed.unreadable ?? []) {
    if (code === "folder_unreadable") {
      throw new AppError({ code: "permission_denied", op: "storage.list", message: reason });
    }
    add(name, "", 0);
  }
  return columns;
}

async function findMissing(
  engine: ExportEngine,
  run: ExportRunSnapshot,
  { yieldAt, signal }: ComparisonTurn,
): Promise<ComparisonOutcome> {
  let after = run.markedUpTo;
  while (after !== null) {
    throwIfCanceled(signal, "export.reconcile");
    const chunk = await engine.comparisons.addMissing(run, after, engine.options.markChunk);
    if (chunk === undefined) return "lost";
    if (chunk.repaired > 0) engine.bell.ringPush(run);
    if (chunk.done) break;
    if (engine.clock.now() >= yieldAt) return "yield";
    const next = await engine.runs.find(run);
    if (next === undefined) return "lost";
    after = next.markedUpTo;
  }
  return "done";
}

/** An expired token begins the listing anew; whatever else the store says after its retries ends the run. */
async function afterListError(
  engine: ExportEngine,
  run: ExportRunSnapshot,
  { error, comparison }: { readonly error: unknown; readonly comparison: Comparison },
): Promise<ComparisonOutcome> {
  if (!isAppError(error)) throw error;
  if (error.reason?.endsWith(".cursor_expired") === true && comparison.cursor !== null) {
    await engine.comparisons.restart(run);
    return "yield";
  }
  if (error.op?.startsWith("storage.") !== true && error.retry !== "never") throw error;
  const failure = toRunFailure(error);
  const message = `the objects of this target cannot be listed, so nothing was compared to the end: ${failure.message}`;
  engine.log.warn({ error }, "export.reconcile.failed");
  const ended = await engine.runs.fail(run, { ...failure, message });
  if (ended === undefined) return "lost";
  if (ended.nextRunId !== null) engine.bell.ringRun({ ...run, runId: ended.nextRunId });
  return "failed";
}
