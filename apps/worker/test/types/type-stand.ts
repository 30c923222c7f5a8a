import type { WorkerOverrides } from "../harness.ts";

/** Fields of a storage that differ from those of the owner. */
export interface Access {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** One storage type on one service, ready for an import and an export. */
export interface TypeStand {
  /** The `type` on the wire. */
  readonly type: string;
  /** What a storage is saved with; the place belongs to the test alone. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Somebody who may list and do nothing else. Undefined: the type knows nobody of the kind. */
  readonly lister?: Access | undefined;
  /** Somebody who may write and do nothing else. */
  readonly writer?: Access | undefined;
  /** What a worker must know of the operator to reach the service. */
  readonly worker: WorkerOverrides;
  /** What stands before a key in a task by the files method. Undefined: the type always loads what it finds. */
  readonly referencePrefix: string | undefined;
  /** Writes past the driver. */
  seed(key: string, body: string): Promise<void> | void;
  /** Keys of everything that is there. */
  keys(): Promise<readonly string[]> | readonly string[];
  /** What is stored under a key. */
  read(key: string): Promise<string> | string;
  close(): Promise<void>;
}
