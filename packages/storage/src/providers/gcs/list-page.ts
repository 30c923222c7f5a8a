import type { ListPage, ListRequest } from "../../driver.ts";
import type { BucketClient } from "./client.ts";
import { malformedAnswer, readJsonBody } from "./google-request.ts";

/**
 * The columns that a page needs: an answer with all fields of its objects takes thirty times as long to read. Without
 * `nextPageToken` among them the listing would end after its first page.
 */
const FIELDS = "nextPageToken,items(name,size,generation,updated)";

interface Item {
  readonly name?: unknown;
  readonly size?: unknown;
  readonly generation?: unknown;
  readonly updated?: unknown;
}

/** One page of the bucket's listing. */
export async function fetchPage(
  bucket: BucketClient,
  { prefix, recursive, after, cursor, limit }: ListRequest,
  signal: AbortSignal,
): Promise<ListPage> {
  const { body } = await bucket.send(
    {
      method: "GET",
      query: {
        maxResults: String(limit),
        fields: FIELDS,
        prefix: prefix === "" ? undefined : prefix,
        delimiter: recursive ? undefined : "/",
        startOffset: after,
        pageToken: cursor,
      },
    },
    signal,
  );
  const { items = [], nextPageToken } = await readJsonBody(body);
  if (!Array.isArray(items)) throw malformedAnswer("its items are no list");
  // startOffset includes the key itself.
  const kept = (items as readonly Item[]).filter(({ name }) => name !== after);
  return {
    keys: kept.map(({ name }) => toKey(name)),
    sizes: kept.map(({ size }) => Number(size ?? 0)),
    etags: kept.map(({ generation }) => (typeof generation === "string" ? generation : "")),
    modified: kept.map(({ updated }) => (typeof updated === "string" ? Date.parse(updated) : 0)),
    ...(typeof nextPageToken === "string" && nextPageToken !== "" ? { cursor: nextPageToken } : {}),
  };
}

function toKey(name: unknown): string {
  if (typeof name === "string" && name !== "") return name;
  throw malformedAnswer("it has an object without a name");
}
