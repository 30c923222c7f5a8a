import type { ListQuery } from "./listing.ts";
import { makeToken, readToken, renderHead } from "./listing.ts";

/** A bucket that is nothing but a listing, for benchmarks: the entries of all pages are rendered once. */
export interface PreRenderedOptions {
  readonly count: number;
  /** Key number `index`. Must ascend, and hold only letters, digits and `-_./`, which no encoding changes. */
  readonly key: (index: number) => string;
}

/** One buffer with all entries and where each one starts. */
export interface PreRenderedListing {
  page(bucket: string, query: ListQuery, epoch: number): readonly Buffer[];
}

/** About a second and 250 MB for a million keys. Delimiters are not understood. */
export function preRender({ count, key }: PreRenderedOptions): PreRenderedListing {
  const offsets = new Uint32Array(count + 1);
  const parts: Buffer[] = [];
  let size = 0;
  let text = "";
  for (let index = 0; index < count; index++) {
    const entry = renderEntry(key(index), index);
    offsets[index] = size;
    size += entry.length;
    text += entry;
    if (index % 10_000 === 9_999) {
      parts.push(Buffer.from(text, "latin1"));
      text = "";
    }
  }
  offsets[count] = size;
  const entries = Buffer.concat([...parts, Buffer.from(text, "latin1")]);
  return {
    page(bucket, query, epoch) {
      const after =
        query.token === undefined ? query.startAfter : readToken(query.token, epoch).last;
      const start = Math.max(
        firstIndex(count, key, query.prefix, false),
        after === "" ? 0 : firstIndex(count, key, after, true),
      );
      const last = query.prefix === "" ? count : endOfPrefix(count, key, query.prefix);
      const end = Math.max(start, Math.min(start + query.maxKeys, last));
      const nextToken =
        end < last && end > start ? makeToken("key", key(end - 1), epoch) : undefined;
      return [
        Buffer.from(renderHead(bucket, query, { count: end - start, nextToken })),
        entries.subarray(offsets[start], offsets[end]),
        Buffer.from("</ListBucketResult>"),
      ];
    },
  };
}

function renderEntry(key: string, index: number): string {
  const etag = (index * 2_654_435_761).toString(16).padStart(32, "0").slice(-32);
  return (
    `<Contents><Key>${key}</Key><LastModified>2025-05-15T10:00:00.000Z</LastModified>` +
    `<ETag>&quot;${etag}&quot;</ETag><Size>${String(10_000 + index)}</Size><StorageClass>STANDARD</StorageClass></Contents>`
  );
}

/** Index of the first key that is not less than `bound` (`exclusive`: greater). The keys are ASCII, so `<` will do. */
function firstIndex(
  count: number,
  key: (index: number) => string,
  bound: string,
  exclusive: boolean,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const candidate = key(middle);
    if (candidate < bound || (exclusive && candidate === bound)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function endOfPrefix(count: number, key: (index: number) => string, prefix: string): number {
  return firstIndex(count, key, `${prefix}\u00ff`, false);
}
