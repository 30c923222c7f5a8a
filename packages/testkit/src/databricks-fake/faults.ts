import type { DatabricksOperation } from "./options.ts";

/** What goes wrong with an answer. */
export type DatabricksFaultKind =
  /** Answered with this error instead of being done. */
  | {
      readonly kind: "error";
      readonly status: number;
      readonly errorCode: string;
      readonly message?: string | undefined;
      readonly reason?: string | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  /** This status, 200 when absent, and this body. */
  | {
      readonly kind: "body";
      readonly body: string;
      readonly status?: number | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  /** The connection is cut when this many bytes of the body were sent. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** After this many bytes of the body nothing comes any more; the connection stays open. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** The connection is reset before anything is done. */
  | { readonly kind: "reset" }
  /** Nothing is done and nothing is answered. */
  | { readonly kind: "silent" };

/** A fault and the requests it hits. */
export type DatabricksFault = DatabricksFaultKind & {
  readonly on: DatabricksOperation | readonly DatabricksOperation[];
  /** Only requests whose path below `/Volumes` matches. */
  readonly path?: RegExp | undefined;
  /** How many requests are hit; one when absent. */
  readonly times?: number | undefined;
};

/** The faults that wait for their requests. */
export class FaultList {
  #waiting: { readonly fault: DatabricksFault; left: number }[] = [];

  add(fault: DatabricksFault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** The first fault that hits this request, counted. */
  take(operation: DatabricksOperation, path: string): DatabricksFaultKind | undefined {
    const found = this.#waiting.find(({ fault }) => {
      const isMeant =
        typeof fault.on === "string" ? fault.on === operation : fault.on.includes(operation);
      return isMeant && fault.path?.test(path) !== false;
    });
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#waiting = this.#waiting.filter((other) => other !== found);
    return found.fault;
  }
}
