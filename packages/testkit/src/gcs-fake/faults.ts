import type { GcsOperation } from "./options.ts";

/** What goes wrong with an answer. */
export type GcsFaultKind =
  /** Answered with this error instead of being done. */
  | {
      readonly kind: "error";
      readonly status: number;
      readonly reason?: string | undefined;
      readonly message?: string | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  /** Status 200, and the body is this. */
  | { readonly kind: "body"; readonly body: string }
  /** The connection is cut when this many bytes of the body were sent. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** After this many bytes of the body nothing comes any more; the connection stays open. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** The connection is reset before anything is done. */
  | { readonly kind: "reset" }
  /** Nothing is done and nothing is answered. */
  | { readonly kind: "silent" }
  /** The request is done, and the connection is reset instead of an answer. */
  | { readonly kind: "applied_reset" };

/** A fault and the requests it hits. */
export type GcsFault = GcsFaultKind & {
  readonly on: GcsOperation | readonly GcsOperation[];
  /** Only requests for this object. */
  readonly key?: string | undefined;
  /** How many requests are hit; one when absent. */
  readonly times?: number | undefined;
};

/** A fault that was injected. */
export interface InjectedGcsFault {
  /** Requests that it hit so far. */
  readonly hits: number;
  /** Hits nothing any more. */
  remove(): void;
}

interface ActiveFault {
  readonly fault: GcsFault;
  hits: number;
}

/** The faults that wait for their requests. */
export class GcsFaultList {
  #waiting: readonly ActiveFault[] = [];

  add(fault: GcsFault): InjectedGcsFault {
    const active: ActiveFault = { fault, hits: 0 };
    this.#waiting = [...this.#waiting, active];
    return {
      get hits() {
        return active.hits;
      },
      remove: () => {
        this.#remove(active);
      },
    };
  }

  /** The first fault that hits this request, counted. */
  take(operation: GcsOperation, key: string | undefined): GcsFault | undefined {
    const found = this.#waiting.find(
      ({ fault }) =>
        [fault.on].flat().includes(operation) && (fault.key === undefined || fault.key === key),
    );
    if (found === undefined) return undefined;
    found.hits += 1;
    if (found.hits >= (found.fault.times ?? 1)) this.#remove(found);
    return found.fault;
  }

  #remove(active: ActiveFault): void {
    this.#waiting = this.#waiting.filter((other) => other !== active);
  }
}
