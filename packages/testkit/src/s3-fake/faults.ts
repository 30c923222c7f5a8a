import type { S3Operation } from "./options.ts";

/** What goes wrong with an answer. */
export type S3FaultKind =
  /** Answered with this error instead of being done. */
  | {
      readonly kind: "error";
      readonly status: number;
      readonly code: string;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  /** Status 200, and the body is an error document. */
  | { readonly kind: "error_in_200"; readonly code: string }
  /** Status 200, and the body is this. */
  | { readonly kind: "body"; readonly body: string }
  /** The connection is cut when this many bytes of the body were sent. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** After this many bytes of the body nothing comes any more; the connection stays open. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** The body leaves no faster than this, so that nothing piles up between the two sides. */
  | { readonly kind: "slow"; readonly bytesPerSecond: number }
  /** The connection is reset before anything is done. */
  | { readonly kind: "reset" }
  /** Nothing is done and nothing is answered. */
  | { readonly kind: "silent" }
  /** The write is done, and the connection is reset instead of an answer. */
  | { readonly kind: "applied_reset" }
  /** The write is done, and nothing is answered. */
  | { readonly kind: "applied_silent" }
  /** The connection is reset, and the write is done when the test calls `release`. */
  | { readonly kind: "late_apply" };

/** A fault and the requests it hits. */
export type S3Fault = S3FaultKind & {
  readonly on: S3Operation | readonly S3Operation[];
  /** Only requests for this key, or for a key that matches. */
  readonly key?: string | RegExp | undefined;
  /** How many requests are hit; one when absent. */
  readonly times?: number | undefined;
};

/** A fault that was injected. */
export interface InjectedFault {
  /** Requests that it hit so far. */
  readonly hits: number;
  /** Does the writes that `late_apply` held back, in the order of their arrival. */
  release(): void;
  /** Hits nothing any more. Held writes stay held. */
  remove(): void;
}

/** The faults that wait for their requests. */
export class FaultList {
  readonly #waiting: ActiveFault[] = [];

  add(fault: S3Fault): InjectedFault {
    const active = new ActiveFault(fault, () => {
      const index = this.#waiting.indexOf(active);
      if (index !== -1) this.#waiting.splice(index, 1);
    });
    this.#waiting.push(active);
    return active;
  }

  /** The first fault that hits this request, counted. */
  take(operation: S3Operation, key: string): ActiveFault | undefined {
    const found = this.#waiting.find((active) => active.matches(operation, key));
    found?.count();
    return found;
  }
}

/** A fault with its count and the writes that it holds back. */
export class ActiveFault implements InjectedFault {
  readonly fault: S3Fault;
  readonly #held: (() => void)[] = [];
  readonly #remove: () => void;
  #hits = 0;

  constructor(fault: S3Fault, remove: () => void) {
    this.fault = fault;
    this.#remove = remove;
  }

  get hits(): number {
    return this.#hits;
  }

  matches(operation: S3Operation, key: string): boolean {
    const { on, key: wanted } = this.fault;
    if (!(typeof on === "string" ? on === operation : on.includes(operation))) return false;
    return wanted === undefined || (typeof wanted === "string" ? wanted === key : wanted.test(key));
  }

  count(): void {
    this.#hits += 1;
    if (this.#hits >= (this.fault.times ?? 1)) this.#remove();
  }

  hold(write: () => void): void {
    this.#held.push(write);
  }

  release(): void {
    for (const write of this.#held.splice(0)) write();
  }

  remove(): void {
    this.#remove();
  }
}
