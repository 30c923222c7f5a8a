import type * as Rest from "@azure/core-rest-pipeline";
import type {
  HttpHeaders,
  HttpOperationResponse,
  IHttpClient,
  WebResource,
} from "@azure/storage-blob";
import { AppError, isAppError } from "@bucketbridge/core";
import type { Agent, ClientRequest } from "node:http";
import type { Egress } from "../../egress/egress.ts";
import type { TokenCache } from "../token-cache.ts";
import { parseListing, type ParsedListing } from "./list-parser.ts";

/** A page of 5,000 long names has some 20 MB; a store could send for ever. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** What our parser read, by the signal of the call: each listing call has one of its own. */
export type ParsedListings = WeakMap<object, ParsedListing>;

/** A document in which the SDK's parser, which needs half a millisecond for each blob, finds nothing to do. */
const EMPTY_LISTING =
  '<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs></Blobs><NextMarker></NextMarker></EnumerationResults>';

/**
 * The SDK's HTTP client with its sockets from `egress`. It follows no redirect, bounds every answer that is kept in memory,
 * and rejects with the egress's own refusal, of which the SDK's error keeps only the text.
 */
export async function createHttpClient(egress: Egress): Promise<Rest.HttpClient> {
  const { createDefaultHttpClient } = await import("@azure/core-rest-pipeline");
  const inner = createDefaultHttpClient();
  return {
    async sendRequest(request) {
      const streamed = request.streamResponseStatusCodes;
      let socketError: unknown;
      const agent = request.url.startsWith("https:") ? egress.httpsAgent : egress.httpAgent;
      request.agent = watchErrors(agent, (error) => {
        socketError = error;
      });
      request.streamResponseStatusCodes = new Set([Infinity]);
      try {
        const response = await inner.sendRequest(request);
        // The SDK would carry the credentials to wherever the answer points.
        response.headers.delete("location");
        const isWanted =
          streamed?.has(response.status) === true || streamed?.has(Infinity) === true;
        return isWanted ? response : await toText(response);
      } catch (error) {
        throw socketError instanceof AppError ? socketError : error;
      } finally {
        if (streamed === undefined) delete request.streamResponseStatusCodes;
        else request.streamResponseStatusCodes = streamed;
      }
    },
  };
}

/** What the blob SDK's requests meet on their way. */
export interface BlobRequests {
  /** Where our parser puts the listings that it reads. */
  readonly listings: ParsedListings;
  /** Each request carries one. Undefined: the SDK signs. */
  readonly tokens: TokenCache | undefined;
}

/** `client` for the blob SDK, whose interface is an older one. */
export async function toBlobHttpClient(
  client: Rest.HttpClient,
  { listings, tokens }: BlobRequests,
): Promise<IHttpClient> {
  const { createHttpHeaders, createPipelineRequest } = await import("@azure/core-rest-pipeline");
  return {
    async sendRequest(resource) {
      const request = createPipelineRequest({
        url: resource.url,
        method: resource.method,
        headers: createHttpHeaders(resource.headers.toJson({ preserveCase: true })),
        allowInsecureConnection: true,
        ...optional("body", resource.body as Rest.RequestBodyType | undefined),
        ...optional("abortSignal", resource.abortSignal),
        ...optional("streamResponseStatusCodes", resource.streamResponseStatusCodes),
      });
      if (tokens !== undefined) await authorize(request, tokens);
      const response = await client.sendRequest(request).catch((error: unknown) => {
        throw withoutHost(error);
      });
      const text = response.bodyAsText;
      if (response.status === 200 && isListing(resource) && typeof text === "string") {
        const parsed = parseListing(text);
        if (parsed !== undefined && resource.abortSignal !== undefined) {
          listings.set(resource.abortSignal, parsed);
          response.bodyAsText = EMPTY_LISTING;
        }
      }
      return toCompatible(resource, response);
    },
  };
}

/** A token is worth as much as a key: it is never sent in the clear. */
async function authorize(request: Rest.PipelineRequest, tokens: TokenCache): Promise<void> {
  if (!request.url.startsWith("https:")) {
    throw new AppError({
      code: "invalid_config",
      reason: "azure.not_encrypted",
      message: "a token is sent over https alone; ask the operator to check the blob endpoint",
    });
  }
  const { abortSignal } = request;
  const signal = abortSignal instanceof AbortSignal ? abortSignal : NEVER;
  request.headers.set("authorization", `Bearer ${await tokens.get(signal)}`);
}

/** All of our calls have a signal; the SDK's types do not know. */
const NEVER = new AbortController().signal;

/** The name of the account is a secret on the wire, and the egress names the host that it stands in. */
function withoutHost(error: unknown): unknown {
  if (!isAppError(error) || error.reason?.startsWith("egress.") !== true) return error;
  const { code, reason, message } = error;
  if (reason !== "egress.unresolvable") return new AppError({ code, reason, message });
  if (code === "unavailable") {
    return new AppError({
      code: "unavailable",
      reason: "azure.unresolvable",
      message: "the host of the account cannot be looked up now",
    });
  }
  return new AppError({
    code: "invalid_input",
    reason: "azure.account_not_found",
    message: "no host has the name of the account; check the account name",
  });
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

function isListing({ method, url }: WebResource): boolean {
  return method === "GET" && /[?&]comp=list(?:&|$)/.test(url);
}

/** Node asks an agent for sockets by this method, which its types leave out. */
interface RequestingAgent extends Agent {
  addRequest(request: ClientRequest, options: object): void;
}

/** The same agent, which tells what ends a request. */
function watchErrors(agent: Agent, onError: (error: unknown) => void): Agent {
  const watched = Object.create(agent) as RequestingAgent;
  watched.addRequest = (request, options) => {
    request.once("error", onError);
    (agent as RequestingAgent).addRequest(request, options);
  };
  return watched;
}

async function toText(response: Rest.PipelineResponse): Promise<Rest.PipelineResponse> {
  const body = response.readableStreamBody;
  if (body === undefined) return response;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early ends the request.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new AppError({
        code: "unavailable",
        reason: "azure.malformed_answer",
        message: `the answer has more than ${String(MAX_ANSWER_BYTES)} bytes`,
      });
    }
    chunks.push(chunk);
  }
  const { status, headers, request } = response;
  return { status, headers, request, bodyAsText: Buffer.concat(chunks).toString("utf8") };
}

function toCompatible(
  resource: WebResource,
  response: Rest.PipelineResponse,
): HttpOperationResponse {
  const { status, headers, bodyAsText, readableStreamBody } = response;
  const compatible = {
    get: (name: string) => headers.get(name),
    contains: (name: string) => headers.has(name),
    toJson: () => headers.toJSON({ preserveCase: true }),
  };
  return {
    request: resource,
    status,
    // The SDK makes headers of its own from `toJson` and asks for nothing else.
    headers: compatible as unknown as HttpHeaders,
    ...optional("bodyAsText", bodyAsText ?? undefined),
    ...optional("readableStreamBody", readableStreamBody),
  };
}
