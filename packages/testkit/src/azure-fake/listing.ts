import { lowerBound } from "../s3-fake/bucket.ts";
import type { Container } from "./container.ts";
import { AzureFailure } from "./failure.ts";
import { escapeXml, nameElement } from "./xml.ts";

/** Blobs on a page, whatever the client asks for. */
const PAGE_LIMIT = 5_000;

interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly marker: string;
  readonly startFrom: string;
  readonly maxResults: number;
}

/** What a listing is of. */
export interface ListedPlace {
  readonly endpoint: string;
  readonly containerName: string;
}

/** The List Blobs document of a container. Markers of an older epoch are refused: that is how a test lets them expire. */
export function renderPage(
  container: Container,
  parameters: URLSearchParams,
  place: ListedPlace & { readonly epoch: number },
): string {
  const query = readQuery(parameters);
  const { entries, next } = selectPage(container, query, place.epoch);
  return [
    `\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="${place.endpoint}" ContainerName="${place.containerName}">`,
    `<Prefix>${escapeXml(query.prefix)}</Prefix><MaxResults>${String(query.maxResults)}</MaxResults>`,
    query.delimiter === "" ? "" : `<Delimiter>${escapeXml(query.delimiter)}</Delimiter>`,
    `<Blobs>${entries.join("")}</Blobs>`,
    next === undefined ? "<NextMarker />" : `<NextMarker>${next}</NextMarker>`,
    "</EnumerationResults>",
  ].join("");
}

function readQuery(parameters: URLSearchParams): ListQuery {
  const maxResults = Number(parameters.get("maxresults") ?? String(PAGE_LIMIT));
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    throw new AzureFailure(400, "OutOfRangeQueryParameterValue");
  }
  return {
    prefix: parameters.get("prefix") ?? "",
    delimiter: parameters.get("delimiter") ?? "",
    marker: parameters.get("marker") ?? "",
    startFrom: parameters.get("startFrom") ?? "",
    maxResults: Math.min(maxResults, PAGE_LIMIT),
  };
}

function selectPage(
  container: Container,
  query: ListQuery,
  epoch: number,
): { readonly entries: readonly string[]; readonly next: string | undefined } {
  const { names } = container;
  const { prefix, delimiter } = query;
  const entries: string[] = [];
  let index = Math.max(
    lowerBound(names, prefix),
    lowerBound(names, query.startFrom),
    readMarker(query.marker, epoch),
  );
  for (;;) {
    const name = names[index];
    if (name?.startsWith(prefix) !== true) return { entries, next: undefined };
    if (entries.length === query.maxResults) return { entries, next: makeMarker(index, epoch) };
    const cut = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    if (cut === -1) {
      entries.push(blobElement(name, container));
      index += 1;
    } else {
      const folder = name.slice(0, cut + delimiter.length);
      entries.push(`<BlobPrefix>${nameElement(folder)}</BlobPrefix>`);
      while (names[index]?.startsWith(folder) === true) index += 1;
    }
  }

  function readMarker(marker: string, wanted: number): number {
    if (marker === "") return 0;
    const [issued, name] = Buffer.from(marker, "base64url").toString().split("\n", 2);
    if (Number(issued) === wanted && name !== undefined)
      return lowerBound(names, decodeURIComponent(name));
    throw new AzureFailure(400, "InvalidQueryParameterValue", {
      message: "Value for one of the query parameters specified in the request URI is invalid.",
    });
  }

  function makeMarker(at: number, current: number): string {
    const name = encodeURIComponent(names[at] ?? "");
    return Buffer.from(`${String(current)}\n${name}`).toString("base64url");
  }
}

function blobElement(name: string, container: Container): string {
  const blob = container.find(name);
  if (blob === undefined) return "";
  const modified = blob.modifiedAt.toUTCString();
  return (
    `<Blob>${nameElement(name)}<Properties><Creation-Time>${modified}</Creation-Time><Last-Modified>${modified}</Last-Modified>` +
    `<Etag>${blob.etag}</Etag><Content-Length>${String(blob.body.length)}</Content-Length><Content-Type>${escapeXml(blob.contentType)}</Content-Type>` +
    "<Content-Encoding /><Content-Language /><Content-CRC64 /><Content-MD5>AAAAAAAAAAAAAAAAAAAAAA==</Content-MD5><Cache-Control /><Content-Disposition />" +
    "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred><LeaseStatus>unlocked</LeaseStatus>" +
    "<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties><OrMetadata /></Blob>"
  );
}
