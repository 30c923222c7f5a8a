import { describe, expect, it } from "vitest";
import { ReferenceSources, type ReferenceSource } from "./reference-sources.ts";

function aSource(storageId: number, over: Partial<ReferenceSource> = {}): ReferenceSource {
  return { storageId, referencePrefix: "s3://cats/", prefix: "", isPrefixBoundary: false, ...over };
}

describe("ReferenceSources", () => {
  it("takes the source that the task came from, then the longest prefix, then the lowest id", () => {
    const sources = new ReferenceSources([
      aSource(9),
      aSource(3, { prefix: "img/" }),
      aSource(5, { prefix: "img/big/" }),
      aSource(4, { prefix: "img/big/" }),
    ]);
    expect(sources.resolve("s3://cats/img/big/a.png", 9)?.storageId).toBe(9);
    expect(sources.resolve("s3://cats/img/big/a.png", null)?.storageId).toBe(4);
    expect(sources.resolve("s3://cats/img/a.png", null)?.storageId).toBe(3);
    expect(sources.resolve("s3://cats/a.png", null)).toEqual({ storageId: 9, key: "a.png" });
  });

  it("serves outside of a prefix unless it is a boundary", () => {
    const open = new ReferenceSources([aSource(1, { prefix: "img/" })]);
    expect(open.resolve("s3://cats/img-2/a.png", 1)?.key).toBe("img-2/a.png");
    const bound = new ReferenceSources([aSource(1, { prefix: "img/", isPrefixBoundary: true })]);
    expect(bound.resolve("s3://cats/img-2/a.png", 1)).toBeUndefined();
    expect(bound.resolve("s3://cats/img/a.png", 1)?.key).toBe("img/a.png");
  });

  it("knows no other bucket, scheme or bare bucket", () => {
    const sources = new ReferenceSources([aSource(1)]);
    for (const other of ["s3://cats2/a", "gs://cats/a", "S3://cats/a", "s3://cats/", "s3://cats"])
      expect(sources.resolve(other, 1)).toBeUndefined();
  });

  it("takes the next best source where one is not accepted", () => {
    const sources = new ReferenceSources([aSource(1, { prefix: "img/" }), aSource(2), aSource(3)]);
    const not = (id: number) => sources.resolve("s3://cats/img/a", 1, (it) => it.storageId !== id);
    expect([not(0)?.storageId, not(1)?.storageId, not(2)?.storageId]).toEqual([1, 2, 1]);
    expect(sources.resolve("s3://cats/img/a", 1, () => false)).toBeUndefined();
  });

  it("names each beginning once", () => {
    expect(new ReferenceSources([aSource(1), aSource(2)]).prefixes).toEqual(["s3://cats/"]);
  });
});
