import type { Logger } from "@bucketbridge/core";

/** Open stores that nobody uses: sockets and SDK clients of storages that had work lately. */
const MAX_IDLE = 32;

/** Which storage, and which state of its settings. */
export interface CachedStorage {
  readonly id: number;
  readonly settingsVersion: number;
}

/** What is kept open. */
export interface Closable {
  close(): Promise<void>;
}

/** An open store that is held. */
export interface HeldStore<Opened> {
  readonly opened: Opened;
  /** Gives the store back. Idempotent. */
  readonly release: () => void;
}

interface Entry<Opened> {
  readonly settingsVersion: number;
  readonly opened: Promise<Opened>;
  users: number;
  /** Closed by its last user: the settings have changed, or opening failed. */
  isStale: boolean;
}

/**
 * Stores, opened once per settings version and shared by everything in the process. A change of the settings opens anew; the old
 * store is closed by its last user. Stores that nobody uses stay open, the least recently used ones are closed when they
 * become many.
 */
export class StoreCache<Storage extends CachedStorage, Opened extends Closable> {
  readonly #open: (storage: Storage) => Promise<Opened>;
  readonly #log: Logger;
  /** By storage id, least recently used first. */
  readonly #entries = new Map<number, Entry<Opened>>();
  /** Also those that others have taken the place of while they were in use. */
  readonly #unclosed = new Set<Entry<Opened>>();
  readonly #closing = new Set<Promise<void>>();

  constructor(open: (storage: Storage) => Promise<Opened>, log: Logger) {
    this.#open = open;
    this.#log = log;
  }

  /** Rejects as opening does; the next caller then tries again. */
  async acquire(storage: Storage): Promise<HeldStore<Opened>> {
    const entry = this.#entryOf(storage);
    entry.users++;
    let opened: Opened;
    try {
      opened = await entry.opened;
    } catch (error) {
      // There is nothing to close.
      this.#unclosed.delete(entry);
      this.#drop(storage.id, entry);
      throw error;
    }
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      this.#release(entry);
    };
    return { opened, release };
  }

  /** Closes everything, in use or not, and waits for it. */
  async close(): Promise<void> {
    this.#entries.clear();
    for (const entry of this.#unclosed) this.#close(entry);
    await Promise.all(this.#closing);
  }

  #entryOf(storage: Storage): Entry<Opened> {
    const { id, settingsVersion } = storage;
    const known = this.#entries.get(id);
    if (known !== undefined) {
      this.#entries.delete(id);
      if (known.settingsVersion === settingsVersion) {
        this.#entries.set(id, known);
        return known;
      }
      known.isStale = true;
      if (known.users === 0) this.#close(known);
    }
    const opened = this.#open(storage);
    const entry: Entry<Opened> = { settingsVersion, opened, users: 0, isStale: false };
    this.#entries.set(id, entry);
    this.#unclosed.add(entry);
    return entry;
  }

  #release(entry: Entry<Opened>): void {
    entry.users--;
    if (entry.users > 0) return;
    if (entry.isStale) this.#close(entry);
    else this.#closeIdle();
  }

  #closeIdle(): void {
    const idle = [...this.#entries].filter(([, entry]) => entry.users === 0);
    for (const [id, entry] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE))) {
      this.#drop(id, entry);
      this.#close(entry);
    }
  }

  #drop(id: number, entry: Entry<Opened>): void {
    entry.isStale = true;
    if (this.#entries.get(id) === entry) this.#entries.delete(id);
  }

  #close(entry: Entry<Opened>): void {
    if (!this.#unclosed.delete(entry)) return;
    const closing = entry.opened
      .then((opened) => opened.close())
      .catch((error: unknown) => {
        this.#log.debug({ error }, "storage.close.failed");
      })
      .finally(() => {
        this.#closing.delete(closing);
      });
    this.#closing.add(closing);
  }
}
