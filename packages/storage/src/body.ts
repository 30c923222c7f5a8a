import type { Readable } from "node:stream";

/** How a body came to its end: read to the last chunk, given back early by its reader, or broken by an error. */
export type BodyEnd =
  | { readonly kind: "complete" }
  | { readonly kind: "returned" }
  | { readonly kind: "failed"; readonly error: unknown };

/** What a wrapper does around a body. */
export interface BodyHooks {
  /** Around each wait for a chunk. A rejection ends the body as failed. */
  pull?(next: () => Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>>;
  /** Called exactly once when the body ends, never before its reader has asked for a chunk or given it back. */
  end?(end: BodyEnd): void;
}

/**
 * Wraps the body of an object. Unlike an async generator, it passes `return()` on even when no chunk was asked for yet,
 * so that a reader who gives up at once still ends the request. A failed pull returns the inner body too.
 */
export function wrapBody(
  body: AsyncIterable<Uint8Array>,
  hooks: BodyHooks,
): AsyncIterable<Uint8Array> {
  const iterator = new WrappedBody(body, hooks);
  return { [Symbol.asyncIterator]: () => iterator };
}

class WrappedBody implements AsyncIterator<Uint8Array, undefined> {
  readonly #inner: AsyncIterator<Uint8Array>;
  readonly #hooks: BodyHooks;
  #ended = false;

  constructor(body: AsyncIterable<Uint8Array>, hooks: BodyHooks) {
    this.#inner = body[Symbol.asyncIterator]();
    this.#hooks = hooks;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    const next = (): Promise<IteratorResult<Uint8Array>> => this.#inner.next();
    try {
      const result = await (this.#hooks.pull?.(next) ?? next());
      if (result.done !== true) return { done: false, value: result.value };
    } catch (error) {
      this.#end({ kind: "failed", error });
      releaseBody(this.#inner);
      throw error;
    }
    this.#end({ kind: "complete" });
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#end({ kind: "returned" });
    await this.#inner.return?.();
    return { done: true, value: undefined };
  }

  #end(end: BodyEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hooks.end?.(end);
  }
}

/** Gives a body back without reading it. Its own failure to end is of no interest any more. */
export function releaseBody(body: AsyncIterable<Uint8Array> | AsyncIterator<Uint8Array>): void {
  const iterator = Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body;
  iterator.return?.().catch(() => undefined);
}

/**
 * A Node stream as a body. Returning the iterator destroys the stream also when nothing was read from it, which the
 * stream's own iterator does not do. Errors before the first read wait for it instead of crashing the process.
 */
export function streamBody(stream: Readable): AsyncIterable<Uint8Array> {
  stream.on("error", () => undefined);
  const chunks = stream as AsyncIterable<Uint8Array>;
  return wrapBody(chunks, {
    end: () => {
      stream.destroy();
    },
  });
}

/** All bytes of a body in one buffer. For small objects only: the caller knows the size. */
export async function collectBody(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
