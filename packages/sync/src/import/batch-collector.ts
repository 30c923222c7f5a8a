import { LOAD_BATCH_BYTES, LOAD_BATCH_ROWS } from "@bucketbridge/core";
import type { BadRowItem, ReadCheckpoint, RowItem } from "../formats/index.ts";
import type { BadRow, ClaimedObject, LoadBatch, LoadRow } from "./ports.ts";

/** Gathers rows of one object until they make a batch, and knows the checkpoint behind them. */
export class BatchCollector {
  readonly #object: ClaimedObject;
  readonly #slot: number;
  #rows: LoadRow[] = [];
  #badRows: BadRow[] = [];
  #bytes = 0;
  #rowsRead: number;
  #resumeOffset: number | null;
  /** Only the first batch of a changed version replaces the tasks of the one before. */
  #replace: boolean;

  constructor(
    object: ClaimedObject,
    options: { readonly start: ReadCheckpoint; readonly replace: boolean; readonly slot: number },
  ) {
    this.#object = object;
    this.#slot = options.slot;
    this.#rowsRead = options.start.rowsRead;
    this.#resumeOffset = options.start.byteOffset;
    this.#replace = options.replace;
  }

  /** There is something that `take` would save. */
  get hasRows(): boolean {
    return this.#rows.length > 0 || this.#badRows.length > 0;
  }

  /** Enough for one statement. */
  get isFull(): boolean {
    return (
      this.#rows.length + this.#badRows.length >= LOAD_BATCH_ROWS || this.#bytes >= LOAD_BATCH_BYTES
    );
  }

  add(item: RowItem | BadRowItem): void {
    if (item.kind === "bad") this.#addBad(item, item);
    else {
      this.#rows.push(item.row);
      this.#bytes += item.sizeBytes;
      if (item.issue !== null) this.#addBad(item, item.issue);
    }
    this.#rowsRead = item.rowIndex + 1;
    this.#resumeOffset = item.resumeOffset;
  }

  /** The batch so far, and an empty collector behind its checkpoint. */
  take(etag: string | null, finished: boolean): LoadBatch {
    const batch: LoadBatch = {
      object: this.#object,
      rows: this.#rows,
      badRows: this.#badRows,
      rowsRead: this.#rowsRead,
      byteOffset: this.#resumeOffset,
      finished,
      etag,
      replace: this.#replace,
      slot: this.#slot,
    };
    this.#rows = [];
    this.#badRows = [];
    this.#bytes = 0;
    this.#replace = false;
    return batch;
  }

  #addBad(
    place: { readonly rowIndex: number; readonly byteOffset: number | null },
    problem: { readonly code: string; readonly message: string },
  ): void {
    this.#badRows.push({
      rowIndex: place.rowIndex,
      byteOffset: place.byteOffset,
      code: problem.code,
      message: problem.message,
    });
    this.#bytes += problem.message.length;
  }
}
