import { AppError } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { readAhead } from "./read-ahead.ts";

/** A listing of `count` pages whose requests are noted; the page `failing` fails. */
async function* listing(
  count: number,
  asked: number[],
  failing?: number,
): AsyncGenerator<number, void, undefined> {
  for (let page = 0; page < count; page++) {
    asked.push(page);
    await Promise.resolve();
    if (page === failing) throw new AppError({ code: "unavailable", message: "away" });
    yield page;
  }
}

/** Until everything that can go on without us has done so. */
const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("readAhead", () => {
  it("gives every page once, in order, and then nothing", async () => {
    const ahead = readAhead(listing(5, []), 3);
    const pages: (number | undefined)[] = [];
    for (let call = 0; call < 7; call++) pages.push(await ahead.next());
    expect(pages).toEqual([0, 1, 2, 3, 4, undefined, undefined]);
  });

  it("asks for as many pages as it may hold, and for one more with each that is taken", async () => {
    const asked: number[] = [];
    const ahead = readAhead(listing(10, asked), 3);
    await idle();
    expect(asked).toEqual([0, 1, 2]);
    await ahead.next();
    await idle();
    expect(asked).toEqual([0, 1, 2, 3]);
  });

  it("gives the pages before an error first, and asks for nothing after it", async () => {
    const asked: number[] = [];
    const ahead = readAhead(listing(10, asked, 2), 4);
    await idle();
    expect([await ahead.next(), await ahead.next()]).toEqual([0, 1]);
    await expect(ahead.next()).rejects.toMatchObject({ code: "unavailable" });
    expect(await ahead.next()).toBeUndefined();
    expect(asked).toEqual([0, 1, 2]);
  });
});
