import type { FileHandle } from "node:fs/promises";
import { errnoOf } from "./errors.ts";

/** An open folder whose entries are reached through its descriptor, wherever its path leads by now. */
export class OpenDirectory {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #descriptorPath: string | undefined;
  readonly #verify: () => Promise<void>;

  constructor(
    handle: FileHandle,
    proof: { readonly descriptorPath: string | undefined; readonly verify: () => Promise<void> },
    directoryPath: string,
  ) {
    this.#handle = handle;
    this.#path = directoryPath;
    this.#descriptorPath = proof.descriptorPath;
    this.#verify = proof.verify;
  }

  /** A path of an entry for the next system call, "" for the folder itself. */
  pathOf(name: string): string {
    const base = this.#descriptorPath ?? this.#path;
    return name === "" ? base : `${base}/${name}`;
  }

  /** The same for a name as a byte string (see walk.ts). */
  bytePathOf(name: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.pathOf("")}/`), Buffer.from(name, "latin1")]);
  }

  /** Rejects when the folder is no longer where it was opened. */
  verify(): Promise<void> {
    return this.#verify();
  }

  /** Rejects when entries may have been reached through another folder; cannot happen where they go by descriptor. */
  async verifyEntries(): Promise<void> {
    if (this.#descriptorPath === undefined) await this.#verify();
  }

  /** Makes changes of its entries durable. Some file systems cannot flush folders; they are durable at once or never. */
  async flush(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (error) {
      if (!["EINVAL", "EPERM", "ENOTSUP"].includes(errnoOf(error))) throw error;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
