/** A body whose beginning is known. */
export interface BegunBody {
  /** Empty for an empty body. */
  readonly firstBytes: Uint8Array;
  /** All of it, the first bytes included. */
  readonly body: AsyncIterable<Uint8Array>;
}

const NOTHING = new Uint8Array();

/**
 * Waits for the first bytes, so that a store that fails before them can still be answered with a status. No generator: one that nobody
 * has begun to read would not pass on that it is given back.
 */
export async function beginBody(body: AsyncIterable<Uint8Array>): Promise<BegunBody> {
  const iterator = body[Symbol.asyncIterator]();
  let begin: IteratorResult<Uint8Array> | undefined = await iterator.next();
  const firstBytes = begin.done === true ? NOTHING : begin.value;
  const whole: AsyncIterator<Uint8Array> = {
    next: () => {
      if (begin === undefined) return iterator.next();
      const first = begin;
      begin = undefined;
      return Promise.resolve(first);
    },
    return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
  };
  return { firstBytes, body: { [Symbol.asyncIterator]: () => whole } };
}
