import { createHash } from "node:crypto";
import { authorize, delegationKey, type Authorized } from "./authorization.ts";
import { Container } from "./container.ts";
import { AzureFailure, failures } from "./failure.ts";
import { renderPage } from "./listing.ts";
import {
  DEFAULT_ACCOUNT,
  PERMISSIONS,
  type AzureAccount,
  type AzureFakeOptions,
} from "./options.ts";
import type { AzureRequest } from "./request.ts";

/** An answer before it is sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A change of a container, in the order in which changes took effect. */
export interface AppliedBlobOperation {
  readonly kind: "put" | "delete";
  readonly container: string;
  readonly blob: string;
  /** SHA-256 of the bytes in hex; "" for a deletion. */
  readonly bodySha256: string;
}

/** An answer with an XML document. */
export function xmlReply(status: number, xml: string, headers: Reply["headers"] = {}): Reply {
  return {
    status,
    headers: { "content-type": "application/xml", ...headers },
    body: Buffer.from(xml),
  };
}

/** Azure's error document; the code stands in a header too, for HEAD. */
export function failureReply(failure: AzureFailure): Reply {
  const headers = { "x-ms-error-code": failure.code, ...failure.headers };
  return xmlReply(failure.status, failure.toXml(), headers);
}

/** What the fake does, without the network. */
export class AzureService {
  readonly accounts: readonly AzureAccount[];
  /** By `account/container`. */
  readonly containers = new Map<string, Container>();
  readonly log: AppliedBlobOperation[] = [];
  endpoint = "";
  /** Raised to let all markers expire. */
  markerEpoch = 0;
  readonly #options: AzureFakeOptions;

  constructor(options: AzureFakeOptions) {
    this.#options = options;
    this.accounts = options.accounts ?? [DEFAULT_ACCOUNT];
    for (const name of options.containers ?? []) this.container(name);
  }

  /** A container of the first account, made if it is missing. */
  container(name: string): Container {
    const id = `${this.accounts[0]?.name ?? ""}/${name}`;
    const found = this.containers.get(id) ?? new Container();
    this.containers.set(id, found);
    return found;
  }

  /** Checks identity and permission, then does what is asked. Throws `AzureFailure`. */
  handle(request: AzureRequest): Reply {
    const { identities = [], now = Date.now } = this.#options;
    const known = { accounts: this.accounts, identities, nowMs: now() };
    const authorized = authorize(request, known);
    if (!authorized.allow.includes(PERMISSIONS[request.operation])) throw failures.permission();
    if (request.operation === "delegation_key") return this.#delegate(request, authorized);
    const container = this.containers.get(`${request.account}/${request.container}`);
    if (container === undefined) throw failures.containerNotFound();
    return this.#perform(request, container);
  }

  #perform(request: AzureRequest, container: Container): Reply {
    switch (request.operation) {
      case "put":
        return this.#put(request, container);
      case "delete":
        if (!container.delete(request.blob)) throw failures.blobNotFound();
        this.#note("delete", request, undefined);
        return { status: 202, headers: {}, body: Buffer.alloc(0) };
      case "list": {
        const place = {
          endpoint: this.endpoint,
          containerName: request.container,
          epoch: this.markerEpoch,
        };
        return xmlReply(200, renderPage(container, request.query, place));
      }
      default:
        return getBlob(request, container);
    }
  }

  #put(request: AzureRequest, container: Container): Reply {
    const { headers } = request.message;
    if (headers["x-ms-blob-type"] !== "BlockBlob")
      throw new AzureFailure(400, "InvalidHeaderValue");
    const current = container.find(request.blob);
    if (headers["if-none-match"] === "*" && current !== undefined) {
      throw new AzureFailure(409, "BlobAlreadyExists", {
        message: "The specified blob already exists.",
      });
    }
    const ifMatch = headers["if-match"];
    if (ifMatch !== undefined && toPlain(ifMatch) !== current?.etag)
      throw failures.conditionNotMet();
    const type = headers["x-ms-blob-content-type"];
    const blob = container.put(
      request.blob,
      request.body,
      typeof type === "string" ? type : undefined,
    );
    this.#note("put", request, request.body);
    const answer = { etag: `"${blob.etag}"`, "last-modified": blob.modifiedAt.toUTCString() };
    return { status: 201, headers: answer, body: Buffer.alloc(0) };
  }

  #delegate({ account: name, body }: AzureRequest, { clientId }: Authorized): Reply {
    const account = this.accounts.find((known) => known.name === name);
    if (account === undefined || clientId === undefined) throw failures.authentication();
    const text = body.toString();
    const start = /<Start>([^<]+)<\/Start>/.exec(text)?.[1];
    const expiry = /<Expiry>([^<]+)<\/Expiry>/.exec(text)?.[1];
    if (start === undefined || expiry === undefined)
      throw new AzureFailure(400, "InvalidXmlDocument");
    const value = delegationKey(account, { oid: clientId, start, expiry });
    return xmlReply(
      200,
      `<?xml version="1.0" encoding="utf-8"?><UserDelegationKey><SignedOid>${clientId}</SignedOid><SignedTid>tenant</SignedTid>` +
        `<SignedStart>${start}</SignedStart><SignedExpiry>${expiry}</SignedExpiry><SignedService>b</SignedService>` +
        `<SignedVersion>2025-11-05</SignedVersion><Value>${value}</Value></UserDelegationKey>`,
    );
  }

  #note(kind: "put" | "delete", { container, blob }: AzureRequest, body: Buffer | undefined): void {
    const bodySha256 = body === undefined ? "" : createHash("sha256").update(body).digest("hex");
    this.log.push({ kind, container, blob, bodySha256 });
  }
}

const OVERRIDES: readonly (readonly [parameter: string, header: string])[] = [
  ["rsct", "content-type"],
  ["rscd", "content-disposition"],
];

function getBlob({ message, query, blob: name }: AzureRequest, container: Container): Reply {
  const { headers } = message;
  const blob = container.find(name);
  if (blob === undefined) throw failures.blobNotFound();
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined && toPlain(ifMatch) !== blob.etag) throw failures.conditionNotMet();
  const answer: Record<string, string> = {
    etag: `"${blob.etag}"`,
    "last-modified": blob.modifiedAt.toUTCString(),
    "content-type": blob.contentType,
    "accept-ranges": "bytes",
    "x-ms-blob-type": "BlockBlob",
  };
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value !== null) answer[header] = value;
  }
  const wanted = String(headers["x-ms-range"] ?? headers.range ?? "");
  const size = blob.body.length;
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(wanted) ?? [];
  if (first === undefined) return { status: 200, headers: answer, body: blob.body };
  if (Number(first) >= size) {
    throw new AzureFailure(416, "InvalidRange", {
      headers: { "content-range": `bytes */${String(size)}` },
    });
  }
  const end = last === undefined || last === "" ? size : Math.min(Number(last) + 1, size);
  answer["content-range"] = `bytes ${first}-${String(end - 1)}/${String(size)}`;
  return { status: 206, headers: answer, body: blob.body.subarray(Number(first), end) };
}

function toPlain(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}
