import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { beginBody } from "./first-bytes.ts";

function bodyOf(chunks: readonly string[]) {
  let returned = 0;
  const iterator = chunks.map((chunk) => Buffer.from(chunk)).values();
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve(iterator.next()),
      return: () => {
        returned++;
        return Promise.resolve({ done: true as const, value: undefined });
      },
    }),
  };
  return { body, returned: () => returned };
}

test("shows the first bytes and still gives all of them", async () => {
  const begun = await beginBody(bodyOf(["ab", "cd", "ef"]).body);
  expect(Buffer.from(begun.firstBytes).toString()).toBe("ab");
  const all = await Readable.from(begun.body, { objectMode: false }).toArray();
  expect(Buffer.concat(all as Buffer[]).toString()).toBe("abcdef");
});

test("gives the body back also when nobody has begun to read it", async () => {
  const { body, returned } = bodyOf(["ab", "cd"]);
  const stream = Readable.from((await beginBody(body)).body, { objectMode: false });
  stream.destroy();
  await new Promise((resolve) => stream.once("close", resolve));
  expect(returned()).toBe(1);
});

test("has no first bytes of an empty body", async () => {
  const { firstBytes, body } = await beginBody(bodyOf([]).body);
  expect(firstBytes.byteLength).toBe(0);
  expect(await Readable.from(body, { objectMode: false }).toArray()).toEqual([]);
});
