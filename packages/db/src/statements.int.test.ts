import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runStatement } from "./statements.ts";
import { useTestDatabase } from "./testing/test-database.ts";

const test = useTestDatabase("statements");

const roundTrip = (texts: readonly (string | null)[]): Promise<{ back: string[] }[]> =>
  test.db.inMaintenance((tx) => runStatement(tx, "SELECT $1::text[] AS back", [texts]));

describe("an array parameter", () => {
  it("arrives as it was sent, whatever its texts hold", async () => {
    const text = fc.string({ unit: "binary" }).filter((value) => !value.includes("\0"));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text)), async (texts) => {
        expect(await roundTrip(texts)).toEqual([{ back: texts }]);
      }),
      { numRuns: 200 },
    );
  });

  it("keeps the texts that arrays write in their own way", async () => {
    const texts = [
      "",
      "NULL",
      "null",
      null,
      "{}",
      "a,b",
      '"',
      "\\",
      "\\\\",
      " a ",
      "a b",
      "\t\n\v\f\r",
      "\u00a0",
      "é",
      "😀",
      "$1",
      "--",
      "a/b.c",
    ];
    expect(await roundTrip(texts)).toEqual([{ back: texts }]);
    expect(await roundTrip([])).toEqual([{ back: [] }]);
  });

  it("keeps numbers, truth values and what is beyond 2^53", async () => {
    const values = [
      [1.5, -0.1, 1e21, null],
      [true, false, null],
      [2n ** 63n - 1n, -1n],
    ] as const;
    const rows = await test.db.inMaintenance((tx) =>
      runStatement(
        tx,
        "SELECT $1::float8[] AS numbers, $2::boolean[] AS flags, $3::bigint[] AS large",
        values,
      ),
    );
    expect(rows).toEqual([{ numbers: values[0], flags: values[1], large: values[2] }]);
  });
});
