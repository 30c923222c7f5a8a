import { ObjectStore, type StorageDriver } from "@bucketbridge/storage";
import { MemoryDriver, type MemoryDriverOptions } from "@bucketbridge/storage/memory";
import { describe, expect, test } from "vitest";
import { toObjectEtag } from "./conditions.ts";
import { openObject, type ObjectAnswer } from "./open-object.ts";

const source = { id: 7, settingsVersion: 1 };
const { signal } = new AbortController();
const BODY = "0123456789abcdef";

/** A driver that writes down what it is asked. */
class RecordingDriver extends MemoryDriver implements StorageDriver {
  readonly calls: string[] = [];

  override stat(...args: Parameters<MemoryDriver["stat"]>): ReturnType<MemoryDriver["stat"]> {
    this.calls.push("stat");
    return super.stat(...args);
  }

  override read(...args: Parameters<MemoryDriver["read"]>): ReturnType<MemoryDriver["read"]> {
    this.calls.push("read");
    return super.read(...args);
  }
}

interface Asked {
  readonly answer: ObjectAnswer;
  readonly text: string;
  readonly calls: readonly string[];
}

async function ask(
  headers: Readonly<Record<string, string>>,
  { method = "GET", body = BODY, max = 1_000, ...options }: AskOptions = {},
): Promise<Asked> {
  const driver = new RecordingDriver(options);
  driver.write("k", Buffer.from(body));
  const store = new ObjectStore(driver, { provider: "memory", place: "memory" });
  const request = { method, headers };
  const answer = await openObject(
    { source, store, key: "k" },
    { request, maxRangeBytes: max, signal },
  );
  let text = "";
  for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString();
  return { answer, text, calls: driver.calls };
}

interface AskOptions extends MemoryDriverOptions {
  readonly method?: string;
  readonly body?: string;
  readonly max?: number;
}

describe("openObject", () => {
  test.each([
    [undefined, 200, BODY, ["read"]],
    ["bytes=0-", 206, BODY, ["read"]],
    ["bytes=2-3", 206, "23", ["read"]],
    ["bytes=12-99", 206, "cdef", ["read"]],
    ["bytes=5-2", 200, BODY, ["read"]],
    ["bytes=20-5", 200, BODY, ["read"]],
    ["bytes=0-1,3-4", 200, BODY, ["read"]],
    ["bytes=-2", 206, "ef", ["stat", "read"]],
    ["bytes=-0", 416, "", ["stat"]],
    ["bytes=16-", 416, "", ["read", "stat"]],
  ])("answers Range %s with %i by these calls", async (range, status, body, calls) => {
    const { answer, text, calls: made } = await ask(range === undefined ? {} : { range });
    expect([answer.status, text, made]).toEqual([status, body, calls]);
    expect(answer.info.size).toBe(16);
    if (answer.range !== undefined) expect(answer.range.length).toBe(text.length);
  });

  test.each(["bytes=1-", "bytes=1-99", "bytes=-15"])("cuts %s to the limit", async (range) => {
    const { answer, text } = await ask({ range }, { max: 4 });
    expect(answer.range).toEqual({ offset: 1, length: 4 });
    expect(text).toBe("1234");
  });

  test("gives the whole object where the store reads no parts", async () => {
    const traits = { rangeRead: false };
    for (const headers of [{ range: "bytes=2-3" }, { range: "bytes=-2" }, { range: "bytes=99-" }]) {
      const { answer, text } = await ask(headers, { traits });
      expect([answer.status, text]).toEqual([200, BODY]);
    }
  });

  test("takes ranges for a matter of GET alone", async () => {
    const { answer, calls } = await ask({ range: "bytes=2-3" }, { method: "HEAD" });
    expect([answer.status, answer.range, answer.body]).toEqual([200, undefined, undefined]);
    expect(calls).toEqual(["stat"]);
  });

  test("answers 304 to its own tag, weak, in a list or as a star, and before any range", async () => {
    const etag = (await ask({})).answer.etag ?? "";
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const { answer, calls } = await ask({ "if-none-match": tag, range: "bytes=2-3" });
      expect([answer.status, answer.etag, calls]).toEqual([304, etag, ["stat"]]);
    }
    expect((await ask({ "if-none-match": '"x"' })).answer.status).toBe(200);
  });

  test("reads exactly the version that its conditions were answered for", async () => {
    const driver = new MemoryDriver();
    driver.write("k", Buffer.from(BODY));
    const store = new ObjectStore(driver, { provider: "memory", place: "memory" });
    const replacing = {
      traits: store.traits,
      read: store.read.bind(store),
      stat: async (...args: Parameters<ObjectStore["stat"]>) => {
        const info = await store.stat(...args);
        driver.write("k", Buffer.from("other"));
        return info;
      },
    };
    const request = { method: "GET", headers: { range: "bytes=-2" } };
    const asking = { request, maxRangeBytes: 99, signal };
    await expect(openObject({ source, store: replacing, key: "k" }, asking)).rejects.toMatchObject({
      code: "precondition_failed",
    });
  });

  test("has a tag that depends on the source, its settings, the key and the version", async () => {
    const tagOf = async (change: Partial<typeof source>, key = "k", writes = 1) => {
      const driver = new MemoryDriver();
      for (let write = 0; write < writes; write++) driver.write(key, Buffer.from(BODY));
      const store = new ObjectStore(driver, { provider: "memory", place: "memory" });
      const object = { source: { ...source, ...change }, store, key };
      const request = { method: "HEAD", headers: {} };
      return (await openObject(object, { request, maxRangeBytes: 9, signal })).etag;
    };
    const tags = await Promise.all([
      tagOf({}),
      tagOf({ id: 8 }),
      tagOf({ settingsVersion: 2 }),
      tagOf({}, "other"),
      tagOf({}, "k", 2),
    ]);
    expect(new Set(tags).size).toBe(5);
    expect(tags[0]).toBe(await tagOf({}));
    expect(tags[0]).toMatch(/^"[A-Za-z0-9_-]+"$/);
  });

  test("has no tag where the store tells no versions", () => {
    expect(toObjectEtag(source, { key: "k" })).toBeUndefined();
  });

  test("sends an empty object without asking for its bytes twice", async () => {
    for (const headers of [{}, { range: "bytes=-5" }] as const) {
      const { answer, text } = await ask(headers, { body: "" });
      expect([answer.info.size, text]).toEqual([0, ""]);
    }
    expect((await ask({ range: "bytes=0-" }, { body: "" })).answer.status).toBe(416);
  });
});
