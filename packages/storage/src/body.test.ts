import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { collectBody, releaseBody, streamBody, wrapBody, type BodyEnd } from "./body.ts";
import { toBytes } from "./testing/case.ts";

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(toBytes(text));
}

describe("wrapBody", () => {
  it("tells how the body ended, once", async () => {
    const ends: BodyEnd[] = [];
    const end = (how: BodyEnd) => ends.push(how);
    const read = wrapBody(chunks("a", "b"), { end });
    expect(Buffer.from(await collectBody(read)).toString()).toBe("ab");
    await read[Symbol.asyncIterator]().return?.();
    const early = wrapBody(chunks("a", "b"), { end });
    for await (const chunk of early) {
      expect(chunk.byteLength).toBe(1);
      break;
    }
    const unread = wrapBody(chunks("a"), { end });
    await unread[Symbol.asyncIterator]().return?.();
    const broken = wrapBody(chunks("a"), { end, pull: () => Promise.reject(new TypeError("cut")) });
    await expect(collectBody(broken)).rejects.toThrow("cut");
    expect(ends.map(({ kind }) => kind)).toEqual(["complete", "returned", "returned", "failed"]);
  });

  it("gives nothing more after its end", async () => {
    const iterator = wrapBody(chunks("a", "b"), {})[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe("streamBody", () => {
  it("reads a stream", async () => {
    const stream = Readable.from([toBytes("a"), toBytes("b")]);
    expect(Buffer.from(await collectBody(streamBody(stream))).toString()).toBe("ab");
  });

  it("destroys the stream when it is given back, read or not", async () => {
    for (const isRead of [true, false]) {
      const stream = Readable.from([toBytes("a"), toBytes("b")]);
      const iterator = streamBody(stream)[Symbol.asyncIterator]();
      if (isRead) await iterator.next();
      await iterator.return?.();
      expect(stream.destroyed).toBe(true);
    }
  });

  it("keeps an error that comes before the first read for the reader", async () => {
    const stream = new Readable({ read: () => undefined });
    const body = streamBody(stream);
    stream.destroy(new TypeError("reset"));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(collectBody(body)).rejects.toThrow("reset");
  });

  it("is released without a word about how that went", async () => {
    const stream = Readable.from([toBytes("a")]);
    releaseBody(streamBody(stream));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.destroyed).toBe(true);
  });
});
