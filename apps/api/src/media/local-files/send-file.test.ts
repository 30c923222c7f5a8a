import { ObjectStore } from "@bucketbridge/storage";
import { MemoryDriver } from "@bucketbridge/storage/memory";
import Fastify, { type InjectOptions } from "fastify";
import { expect, test } from "vitest";
import { sendFile } from "./send-file.ts";

const calm = { signal: new AbortController().signal };

/** A file that was looked at as "old" and has changed, or gone, before it is sent. */
async function send(meanwhile: (driver: MemoryDriver) => void, options: InjectOptions = {}) {
  const driver = new MemoryDriver();
  driver.write("ds/a.txt", Buffer.from("old"));
  const store = new ObjectStore(driver, { provider: "localfiles", place: "/data/root" });
  let closed = 0;
  const open = {
    store,
    filterName: (key: string) => key,
    shownName: (key: string) => key,
    close: () => {
      closed++;
      return Promise.resolve();
    },
  };
  const info = await store.stat("ds/a.txt", calm);
  meanwhile(driver);
  const app = Fastify();
  app.route({
    method: ["GET", "HEAD"],
    url: "/",
    exposeHeadRoute: false,
    handler: (request, reply) => sendFile({ open, info }, request, reply, calm.signal),
  });
  const answer = await app.inject({ url: "/", ...options });
  await app.close();
  return { answer, closed };
}

test("a file that was replaced meanwhile is sent whole, with its own length", async () => {
  const { answer, closed } = await send((driver) => {
    driver.write("ds/a.txt", Buffer.from("new and longer"));
  });
  expect([answer.statusCode, answer.body]).toEqual([200, "new and longer"]);
  expect(answer.headers["content-length"]).toBe("14");
  expect(closed).toBe(1);
});

test("a range is one of the version that is sent", async () => {
  const grow = (driver: MemoryDriver): void => {
    driver.write("ds/a.txt", Buffer.from("0123456789"));
  };
  const { answer } = await send(grow, { headers: { range: "bytes=-4" } });
  expect([answer.statusCode, answer.body]).toEqual([206, "6789"]);
  expect(answer.headers["content-range"]).toBe("bytes 6-9/10");
});

test("a file that is gone meanwhile is not found, and its store is closed", async () => {
  const { answer, closed } = await send((driver) => {
    driver.clear();
  });
  expect([answer.statusCode, answer.body, closed]).toEqual([404, "", 1]);
});

test("HEAD and a matching etag read nothing", async () => {
  const nothing = (): void => undefined;
  const head = await send(nothing, { method: "HEAD" });
  expect([head.answer.statusCode, head.answer.headers["content-length"], head.closed]).toEqual([
    200,
    "3",
    1,
  ]);
  const headers = { "if-none-match": "*" };
  const unchanged = await send(nothing, { headers });
  expect([unchanged.answer.statusCode, unchanged.closed]).toEqual([304, 1]);
});
