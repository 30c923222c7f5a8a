import type * as Sdk from "@azure/storage-blob";
import { AppError, compareKeys } from "@bucketbridge/core";
import type { ListPage, ListRequest } from "../../driver.ts";
import type { ParsedListings } from "./http-client.ts";
import { toPlainEtag, type ParsedListing } from "./list-parser.ts";

/** One page through the SDK, which signs, sends and explains errors, while our own parser reads the answer. */
export async function fetchPage(
  container: Sdk.ContainerClient,
  listings: ParsedListings,
  request: ListRequest,
  signal: AbortSignal,
): Promise<ListPage> {
  if (isBehindAll(request)) return { keys: [], sizes: [], etags: [], modified: [] };
  // A signal of this call alone: by it the HTTP client hands over what it read.
  const abortSignal = AbortSignal.any([signal]);
  const options = {
    abortSignal,
    ...(request.prefix === "" ? {} : { prefix: request.prefix }),
    ...startOf(request),
  };
  const paging = {
    maxPageSize: request.limit,
    ...(request.cursor === undefined ? {} : { continuationToken: request.cursor }),
  };
  const pages: AsyncIterator<SdkPage, undefined> = request.recursive
    ? container.listBlobsFlat(options).byPage(paging)
    : container.listBlobsByHierarchy("/", options).byPage(paging);
  const page = await pages.next();
  const parsed =
    listings.get(abortSignal) ?? (page.done === true ? undefined : fromSdk(page.value));
  if (parsed === undefined) throw malformed("it has no page");
  return toPage(parsed, request.after);
}

type SdkPage =
  Sdk.ContainerListBlobFlatSegmentResponse | Sdk.ContainerListBlobHierarchySegmentResponse;

/** Azure starts with the key itself. A key before all of the listing needs no start. */
function startOf({ after, prefix }: ListRequest): { readonly startFrom?: string } {
  return after === undefined || compareKeys(after, prefix) < 0 ? {} : { startFrom: after };
}

/** True when every key of the listing is smaller than `after`. */
function isBehindAll({ after, prefix }: ListRequest): boolean {
  return after !== undefined && !after.startsWith(prefix) && compareKeys(after, prefix) > 0;
}

/** The SDK's reading of a page that ours did not take. It reads a web page as an empty listing, hence the check. */
function fromSdk(page: SdkPage): ParsedListing {
  const { blobItems } = page.segment;
  // The SDK's types promise it, its parser does not.
  const containerName: unknown = page.containerName;
  if (typeof containerName !== "string") throw malformed("it does not name its container");
  const blobs = blobItems.filter(({ properties }) => !isDirectory(properties));
  if (blobs.some(({ name }) => name === "")) throw malformed("it has an entry without a name");
  return {
    keys: blobs.map(({ name }) => name),
    sizes: blobs.map(({ properties }) => properties.contentLength ?? 0),
    etags: blobs.map(({ properties }) => toPlainEtag(properties.etag)),
    modified: blobs.map(({ properties }) => properties.lastModified.getTime()),
    unreadable: [],
    nextMarker: page.continuationToken === "" ? undefined : page.continuationToken,
  };
}

function isDirectory(properties: object): boolean {
  return "ResourceType" in properties && properties.ResourceType === "directory";
}

function toPage(listing: ParsedListing, after: string | undefined): ListPage {
  const { unreadable, nextMarker, ...columns } = listing;
  const first = columns.keys[0] === after && after !== undefined ? 1 : 0;
  return {
    keys: columns.keys.slice(first),
    sizes: columns.sizes.slice(first),
    etags: columns.etags.slice(first),
    modified: columns.modified.slice(first),
    ...(nextMarker === undefined ? {} : { cursor: nextMarker }),
    ...(unreadable.length === 0
      ? {}
      : {
          unreadable: unreadable.map((name) => ({
            name,
            code: "key_not_utf8" as const,
            reason: "the name is not UTF-8; rename the blob",
          })),
        }),
  };
}

function malformed(what: string): AppError {
  return new AppError({
    code: "unavailable",
    reason: "azure.malformed_answer",
    message: `the answer is no complete listing of blobs: ${what}`,
  });
}
