import { execFileSync } from "node:child_process";
import process from "node:process";
import { MAX_ROW_BYTES } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";

const MIB = 1024 * 1024;
const READER = new URL("./read-task-file.ts", import.meta.url).href;

interface Measurement {
  readonly items: readonly string[];
  readonly pulledBytes: number;
  readonly isReturned: boolean;
  readonly growthBytes: number;
}

/** Reads `head`, then a gibibyte of one character, then `tail`, in a process of its own: its peak of memory is that of the reader. */
function measure(head: string, tail: string): Measurement {
  const script = `
    const { readTaskFile } = await import(${JSON.stringify(READER)});
    let pulledBytes = 0, isReturned = false;
    const block = Buffer.alloc(65536, "x");
    async function* body() {
      try {
        yield Buffer.from(${JSON.stringify(head)});
        for (; pulledBytes < ${String(1024 * MIB)}; pulledBytes += 65536) yield block;
        yield Buffer.from(${JSON.stringify(tail)});
      } finally { isReturned = true; }
    }
    for await (const _ of readTaskFile([Buffer.from('{"a":1}')], { key: "warm-up" }));
    const idle = process.memoryUsage.rss();
    const items = [];
    for await (const item of readTaskFile(body(), { key: "k" })) {
      items.push(item.rowIndex + " " + item.kind + " " + (item.code ?? item.row.data));
    }
    const growthBytes = process.resourceUsage().maxRSS * 1024 - idle;
    console.log(JSON.stringify({ items, pulledBytes, isReturned, growthBytes }));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  return JSON.parse(output) as Measurement;
}

// Each case streams a gibibyte, or would without the guard: some seconds on a busy machine.
describe("one gibibyte without an end", { timeout: 60_000 }, () => {
  it.each([
    ["a single line", '{"a":"'],
    ["an array of one element", '[{"a":"'],
    ["one object over lines", '{\n"a":"'],
  ])("as %s is given up after the largest row", (_name, head) => {
    const { items, pulledBytes, isReturned, growthBytes } = measure(head, '"}');
    expect(items).toEqual(["-1 failure row_too_large"]);
    expect(pulledBytes).toBeLessThanOrEqual(MAX_ROW_BYTES + 65_536);
    expect(isReturned).toBe(true);
    expect(growthBytes).toBeLessThanOrEqual(100 * MIB);
  });

  it.each([
    ["a later line", '{"b":1}\n{"a":"', '"}\n{"c":1}'],
    ["a later element", '[{"b":1},{"a":"', '"},{"c":1}]'],
  ])("as %s costs that row only", (_name, head, tail) => {
    const { items, growthBytes } = measure(head, tail);
    expect(items).toEqual(['0 row {"b":1}', "1 bad row_too_large", '2 row {"c":1}']);
    expect(growthBytes).toBeLessThanOrEqual(100 * MIB);
  });
});
