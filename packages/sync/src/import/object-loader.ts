import { AppError, backoffMs, isAppError, MAX_ATTEMPTS } from "@bucketbridge/core";
import type { ObjectStore } from "@bucketbridge/storage";
import {
  readParquetFile,
  readTaskFile,
  toTaskFileKind,
  type FileFailureItem,
  type ReadCheckpoint,
  type TaskFileItem,
} from "../formats/index.ts";
import { BatchCollector } from "./batch-collector.ts";
import type { ImportEngine } from "./engine.ts";
import type { ClaimedObject, RunSnapshot } from "./ports.ts";

/** How the load of one object went. */
export interface LoadResult {
  /** The object is done, failed or gone; false: the lease was lost, it is somebody else's. */
  readonly finished: boolean;
  /** Tasks that this load made. */
  readonly rows: number;
  /** The store refuses the credentials as such: the run should end. */
  readonly refused?: AppError | undefined;
}

/** Between two attempts of a run on an object whose store was away. */
const RETRY_BACKOFF = { baseMs: 2_000, capMs: 60_000 };

/** Readings that an object may spoil by changing before it is left alone for a while. */
const MAX_RESTARTS = 3;

/** What an object may hold of the process's byte budget: its rows are read one batch at a time. */
const HELD_BYTES_PER_OBJECT = 24 * 1024 * 1024;

/** Where the reading of an object starts. */
interface ReadStart {
  readonly checkpoint: ReadCheckpoint;
  /** Only this content; undefined takes what is there. */
  readonly etag: string | undefined;
  /** The content has changed since a half-read version: tasks of that which nobody touched are replaced. */
  readonly replace: boolean;
}

const FROM_THE_START: ReadCheckpoint = { rowsRead: 0, byteOffset: null };

/**
 * Loads claimed objects of one run: reads, parses and saves rows in batches, each with a checkpoint. A bad row is one
 * issue and the other rows go on; an unreadable file is one issue; an object that is gone is none.
 */
export class ObjectLoader {
  readonly #engine: ImportEngine;
  readonly #run: RunSnapshot;
  readonly #store: ObjectStore;
  readonly #slot: number;

  constructor(
    engine: ImportEngine,
    run: RunSnapshot,
    options: { readonly store: ObjectStore; readonly slot: number },
  ) {
    this.#engine = engine;
    this.#run = run;
    this.#store = options.store;
    this.#slot = options.slot;
  }

  /** Loads one object to its end. Rejects with `canceled` for `signal`, and when the database is away. */
  async load(
    object: ClaimedObject,
    signal: AbortSignal,
    onCheckpoint: () => void,
  ): Promise<LoadResult> {
    const free = await this.#engine.bytes.acquire(
      Math.min(object.size, HELD_BYTES_PER_OBJECT),
      signal,
    );
    try {
      const turn: LoadTurn = { signal, onCheckpoint, hasSaved: object.rowsLoaded > 0 };
      return await this.#loadAsItIs(object, turn);
    } finally {
      free();
    }
  }

  /** Starts again when the object changes under the reading: its half-read rows are replaced by those of the new content. */
  async #loadAsItIs(object: ClaimedObject, turn: LoadTurn): Promise<LoadResult> {
    let start = toReadStart(object);
    for (let restarts = 0; ; restarts++) {
      try {
        return await this.#loadFrom(start, object, turn);
      } catch (error) {
        if (!isOfObject(error)) throw error;
        const hasChanged = error.code === "precondition_failed" && turn.hasSaved;
        if (!hasChanged) return await this.#onStoreError(object, error);
        if (restarts >= MAX_RESTARTS) return await this.#waitForRest(object, error);
        start = { checkpoint: FROM_THE_START, etag: undefined, replace: true };
      }
    }
  }

  /** An object that changes all the time stays pending: given up, its half-read rows would pass for those of a later content. */
  async #waitForRest(object: ClaimedObject, error: AppError): Promise<LoadResult> {
    const finished = await this.#engine.loads.fail(this.#run, object, {
      code: error.code,
      message: error.message,
      byteOffset: null,
      retryAfterSeconds: backoffMs(RETRY_BACKOFF, object.attempts) / 1_000,
      etag: null,
      content: false,
    });
    return { finished, rows: 0 };
  }

  async #loadFrom(start: ReadStart, object: ClaimedObject, turn: LoadTurn): Promise<LoadResult> {
    const source = await this.#open(start, object, turn.signal);
    const batch = new BatchCollector(object, {
      start: start.checkpoint,
      replace: start.replace,
      slot: this.#slot,
    });
    let rows = 0;
    const save = async (finished: boolean): Promise<boolean> => {
      const saved = await this.#engine.loads.saveBatch(
        this.#run,
        batch.take(source.etag, finished),
      );
      if (saved === undefined) return false;
      turn.hasSaved = true;
      turn.onCheckpoint();
      rows += saved.inserted;
      return true;
    };
    for await (const item of source.items) {
      if (item.kind === "failure") {
        if (batch.hasRows && !(await save(false))) return { finished: false, rows };
        return { finished: await this.#failContent(object, item, source.etag), rows };
      }
      batch.add(item);
      if (batch.isFull && !(await save(false))) return { finished: false, rows };
    }
    turn.signal.throwIfAborted();
    return { finished: await save(true), rows };
  }

  async #open(start: ReadStart, object: ClaimedObject, signal: AbortSignal): Promise<OpenFile> {
    return toTaskFileKind(object.key) === "parquet"
      ? this.#openParquet(start, object, signal)
      : this.#openText(start, object, signal);
  }

  async #openText(start: ReadStart, object: ClaimedObject, signal: AbortSignal): Promise<OpenFile> {
    const { rowsRead, byteOffset } = start.checkpoint;
    const checkpoint =
      byteOffset === null || byteOffset === 0 ? undefined : { rowsRead, byteOffset };
    if (checkpoint !== undefined && checkpoint.byteOffset >= object.size) {
      return this.#openRead(object, checkpoint, signal);
    }
    const result = await this.#store.read(
      object.key,
      {
        ...(checkpoint === undefined ? {} : { range: { offset: checkpoint.byteOffset } }),
        ...(start.etag === undefined ? {} : { ifEtag: start.etag }),
      },
      { signal },
    );
    const limits = this.#engine.options.readLimits;
    const items = readTaskFile(result.body, { key: object.key, checkpoint, limits });
    return { items, etag: result.info.etag ?? object.etag };
  }

  /** Every byte was read and saved, only the end was not: there is nothing left to ask the store for but the version. */
  async #openRead(
    object: ClaimedObject,
    checkpoint: { readonly rowsRead: number; readonly byteOffset: number },
    signal: AbortSignal,
  ): Promise<OpenFile> {
    const info = await this.#store.stat(object.key, { signal });
    if (info.etag !== object.etag) {
      throw new AppError({ code: "precondition_failed", message: "the object has changed" });
    }
    return { items: readTaskFile(noBytes(), { key: object.key, checkpoint }), etag: object.etag };
  }

  async #openParquet(
    start: ReadStart,
    object: ClaimedObject,
    signal: AbortSignal,
  ): Promise<OpenFile> {
    const info = await this.#store.stat(object.key, { signal });
    const ifEtag = this.#store.traits.etag === "none" ? undefined : (start.etag ?? info.etag);
    const reader = {
      byteLength: info.size,
      read: async (offset: number, length: number): Promise<Uint8Array> => {
        const part = await this.#store.read(
          object.key,
          {
            range: { offset, length },
            ...(ifEtag === undefined ? {} : { ifEtag }),
          },
          { signal },
        );
        return collect(part.body, length);
      },
    };
    const items = readParquetFile(reader, {
      key: object.key,
      checkpoint: start.checkpoint,
      limits: this.#engine.options.readLimits,
    });
    return { items, etag: ifEtag ?? object.etag };
  }

  #failContent(
    object: ClaimedObject,
    failure: FileFailureItem,
    etag: string | null,
  ): Promise<boolean> {
    const place = failure.byteOffset === null ? "" : ` (byte ${String(failure.byteOffset)})`;
    return this.#engine.loads.fail(this.#run, object, {
      code: failure.code,
      message: `${failure.message}${place}`,
      byteOffset: failure.byteOffset,
      retryAfterSeconds: null,
      etag,
      content: true,
    });
  }

  async #onStoreError(object: ClaimedObject, error: AppError): Promise<LoadResult> {
    if (error.code === "not_found" && !isPlaceGone(error)) {
      return { finished: await this.#engine.loads.forget(this.#run, object), rows: 0 };
    }
    if (error.code === "unauthenticated" || isPlaceGone(error)) {
      await this.#engine.loads.release(this.#run, [object]);
      return { finished: false, rows: 0, refused: error };
    }
    const givesUp = error.retry === "never" || object.attempts >= MAX_ATTEMPTS;
    const waitMs = error.retryAfterMs ?? backoffMs(RETRY_BACKOFF, object.attempts);
    const finished = await this.#engine.loads.fail(this.#run, object, {
      code: error.code,
      message: error.message,
      byteOffset: null,
      retryAfterSeconds: givesUp ? null : waitMs / 1_000,
      etag: null,
      content: false,
    });
    return { finished, rows: 0 };
  }
}

interface LoadTurn {
  readonly signal: AbortSignal;
  readonly onCheckpoint: () => void;
  /** Rows of the object are saved, by this claim or one before it: those of a half-read version once it changes. */
  hasSaved: boolean;
}

interface OpenFile {
  readonly items: AsyncIterable<TaskFileItem>;
  /** Of the version that is being read. */
  readonly etag: string | null;
}

/** A failure of this object, not one of the caller's stop or of a database that is away, which hits every object alike. */
function isOfObject(error: unknown): error is AppError {
  if (!isAppError(error) || error.code === "canceled") return false;
  return error.code !== "unavailable" || error.op?.startsWith("db.") !== true;
}

/** The bucket or folder itself is missing, not one object in it: providers say so by these reasons. */
function isPlaceGone(error: AppError): boolean {
  return (
    error.code === "not_found" &&
    /\.(bucket|container|folder|volume)_not_found$/.test(error.reason ?? "")
  );
}

/** A checkpoint is of use only for the same content; without an etag nothing tells it, so reading starts again. */
function toReadStart(object: ClaimedObject): ReadStart {
  const { etag } = object;
  const resumes = object.rowsLoaded > 0 && etag !== null;
  return {
    checkpoint: resumes
      ? { rowsRead: object.rowsLoaded, byteOffset: object.byteOffset }
      : FROM_THE_START,
    etag: resumes ? etag : undefined,
    replace: false,
  };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // An object that was read to its end.
}

async function collect(body: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of body) {
    bytes.set(chunk.subarray(0, length - at), at);
    at += chunk.length;
    if (at >= length) break;
  }
  return at < length ? bytes.subarray(0, at) : bytes;
}
