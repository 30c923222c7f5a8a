import type { AzureOperation } from "./options.ts";

/** What goes wrong with an answer. */
export type AzureFaultKind =
  /** Answered with this error instead of being done. */
  | {
      readonly kind: "error";
      readonly status: number;
      readonly code: string;
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
  /** The write is done, and the connection is reset instead of an answer. */
  | { readonly kind: "applied_reset" };

/** A fault and the requests it hits. */
export type AzureFault = AzureFaultKind & {
  readonly on: AzureOperation;
  /** Only requests for this blob. */
  readonly blob?: string | undefined;
  /** How many requests are hit; one when absent. */
  readonly times?: number | undefined;
};

/** The faults that wait for their requests. */
export class FaultList {
  readonly #waiting: { readonly fault: AzureFault; left: number }[] = [];

  add(fault: AzureFault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  /** The first fault that hits this request, counted. */
  take(operation: AzureOperation, blob: string): AzureFaultKind | undefined {
    const found = this.#waiting.find(
      ({ fault, left }) =>
        left > 0 && fault.on === operation && (fault.blob === undefined || fault.blob === blob),
    );
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }
}
