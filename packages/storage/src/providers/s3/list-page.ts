import type * as Sdk from "@aws-sdk/client-s3";
import { AppError } from "@bucketbridge/core";
import type { ListPage } from "../../driver.ts";
import { parseListing, toPlainEtag, type ParsedListing } from "./list-parser.ts";

/** One page through the SDK, which signs, sends and explains errors, while our own parser reads the answer. */
export async function fetchPage(
  sdk: typeof Sdk,
  client: Sdk.S3Client,
  input: Sdk.ListObjectsV2CommandInput,
  abortSignal: AbortSignal,
): Promise<ListPage> {
  const command = new sdk.ListObjectsV2Command({ ...input, EncodingType: "url" });
  let parsed: ParsedListing | undefined;
  // "low" is the innermost place, inside of the SDK's own deserializer.
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      if (isAnswer(result.response) && result.response.statusCode === 200) {
        const body = await collect(result.response.body);
        parsed = parseListing(body.toString("utf8"));
        result.response.body = parsed === undefined ? body : EMPTY_LISTING;
      }
      return result;
    },
    { step: "deserialize", priority: "low", name: "bucketbridgeListing" },
  );
  const output = await client.send(command, { abortSignal });
  return toPage(parsed ?? fromOutput(output));
}

const EMPTY_LISTING = Buffer.from("<ListBucketResult/>");

interface Answer {
  readonly statusCode: number;
  body: unknown;
}

function isAnswer(response: unknown): response is Answer {
  return (
    typeof response === "object" &&
    response !== null &&
    "statusCode" in response &&
    "body" in response
  );
}

/** A page of 1,000 keys of 1 KB, each byte encoded as three, has some 4 MB; a store could send for ever. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;

/** Stopping early ends the request. */
async function collect(body: unknown): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_PAGE_BYTES) throw malformed(`it has more than ${String(MAX_PAGE_BYTES)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The SDK's reading of a page that ours did not take. It reads a web page as an empty listing, hence the check. */
function fromOutput(output: Sdk.ListObjectsV2CommandOutput): ParsedListing {
  if (output.IsTruncated === undefined) throw malformed("it says nothing about further pages");
  const contents = output.Contents ?? [];
  const keys = contents.map(({ Key }) => Key ?? "");
  if (keys.includes("")) throw malformed("it has an entry without a key");
  return {
    keys,
    sizes: contents.map(({ Size }) => Size ?? 0),
    etags: contents.map(({ ETag }) => toPlainEtag(ETag ?? "")),
    modified: contents.map(({ LastModified }) => LastModified?.getTime() ?? 0),
    isEncoded: output.EncodingType === "url",
    isTruncated: output.IsTruncated,
    nextToken: output.NextContinuationToken,
  };
}

function toPage(listing: ParsedListing): ListPage {
  const { isTruncated, nextToken, isEncoded } = listing;
  if (isTruncated && (nextToken === undefined || nextToken === "")) {
    throw malformed("it announces further pages and does not say how to get them");
  }
  const page = isEncoded ? decodePage(listing) : listing;
  const { keys, sizes, etags, modified } = page;
  return {
    keys,
    sizes,
    etags,
    modified,
    ...(isTruncated ? { cursor: nextToken } : {}),
    ...("unreadable" in page ? { unreadable: page.unreadable } : {}),
  };
}

type Columns = Pick<ListPage, "keys" | "sizes" | "etags" | "modified" | "unreadable">;

/** Undoes `encoding-type=url`, which keeps control characters out of the XML. New strings: a key does not pin its page. */
function decodePage(listing: ParsedListing): Columns {
  const decoded = listing.keys.map(decodeKey);
  if (!decoded.includes(undefined)) return { ...listing, keys: decoded as string[] };
  const kept = decoded.flatMap((key, index) => (key === undefined ? [] : [{ key, index }]));
  const unreadable = listing.keys.filter((_, index) => decoded[index] === undefined);
  return {
    keys: kept.map(({ key }) => key),
    sizes: kept.map(({ index }) => listing.sizes[index] ?? 0),
    etags: kept.map(({ index }) => listing.etags[index] ?? ""),
    modified: kept.map(({ index }) => listing.modified[index] ?? 0),
    unreadable: unreadable.map((encoded) => ({
      name: showBytes(encoded),
      code: "key_not_utf8",
      reason: "the key is not UTF-8; rename the object",
    })),
  };
}

function decodeKey(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.includes("+") ? encoded.replaceAll("+", " ") : encoded);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** What can be decoded of a key, its other bytes as `\xff`. */
function showBytes(encoded: string): string {
  return encoded.replace(
    /(?:%[0-9A-Fa-f]{2})+/g,
    (run) => decodeKey(run) ?? run.replaceAll("%", "\\x").toLowerCase(),
  );
}

function malformed(what: string): AppError {
  return new AppError({
    code: "unavailable",
    reason: "s3.malformed_answer",
    message: `the answer is no complete S3 listing: ${what}; check that the endpoint is that of the S3 interface`,
  });
}
