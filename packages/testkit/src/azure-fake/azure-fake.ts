import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { AppError } from "@bucketbridge/core";
import { AzureFailure } from "./failure.ts";
import { FaultList, type AzureFault, type AzureFaultKind } from "./faults.ts";
import type { AzureAccount, AzureFakeOptions, AzureOperation } from "./options.ts";
import { readRequest, type AzureRequest } from "./request.ts";
import {
  AzureService,
  failureReply,
  xmlReply,
  type AppliedBlobOperation,
  type Reply,
} from "./service.ts";

/** Azure Blob Storage in this process, for tests: it checks keys, signed URLs and tokens, and fails on demand. */
export interface AzureFake {
  /** With `{account}` in it. */
  readonly blobEndpoint: string;
  readonly accounts: readonly AzureAccount[];
  /** Requests so far by operation. */
  readonly counters: Readonly<Record<AzureOperation, number>>;
  /** The last `Range` or `x-ms-range` that a request carried. */
  readonly lastRange: string | undefined;
  /** Answers to GET that are on their way now. */
  readonly openBodies: number;
  /** Changes that requests made, in the order in which they took effect. */
  readonly operations: readonly AppliedBlobOperation[];
  /** Writes past the log. The container is made if it is missing. */
  putBlob(container: string, blob: string, body: Uint8Array | string): void;
  /** The bytes of a blob, or undefined. */
  readBlob(container: string, blob: string): Buffer | undefined;
  listBlobs(container: string): readonly string[];
  clearContainer(container: string): void;
  inject(fault: AzureFault): void;
  clearFaults(): void;
  /** Makes all markers invalid that were given out so far. */
  expireMarkers(): void;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

interface Exchange {
  readonly service: AzureService;
  readonly faults: FaultList;
  readonly counters: Record<AzureOperation, number>;
  readonly state: { open: number; lastRange: string | undefined };
}

/** Starts the fake on a loopback port. */
export async function startAzureFake(options: AzureFakeOptions = {}): Promise<AzureFake> {
  const counters = { list: 0, get: 0, head: 0, put: 0, delete: 0, delegation_key: 0 };
  const state = { open: 0, lastRange: undefined };
  const service = new AzureService(options);
  const faults = new FaultList();
  const exchange: Exchange = { service, faults, counters, state };
  const listener = (message: http.IncomingMessage, response: http.ServerResponse): void => {
    void answer(exchange, message, response);
  };
  const { certificate } = options;
  const server =
    certificate === undefined
      ? http.createServer(listener)
      : https.createServer({ cert: certificate.cert, key: certificate.key }, listener);
  server.keepAliveTimeout = 60_000;
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const scheme = certificate === undefined ? "http" : "https";
  service.endpoint = `${scheme}://127.0.0.1:${String(port)}/`;
  return {
    blobEndpoint: `${service.endpoint}{account}`,
    accounts: service.accounts,
    counters,
    get lastRange() {
      return state.lastRange;
    },
    get openBodies() {
      return state.open;
    },
    operations: service.log,
    ...containerControls(service),
    inject: (fault) => {
      faults.add(fault);
    },
    clearFaults: () => {
      faults.clear();
    },
    expireMarkers: () => {
      service.markerEpoch += 1;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function containerControls(
  service: AzureService,
): Pick<AzureFake, "putBlob" | "readBlob" | "listBlobs" | "clearContainer"> {
  return {
    putBlob: (container, blob, body) => {
      service.container(container).put(blob, Buffer.from(body));
    },
    readBlob: (container, blob) => service.container(container).find(blob)?.body,
    listBlobs: (container) => [...service.container(container).names],
    clearContainer: (container) => {
      service.container(container).clear();
    },
  };
}

async function answer(
  { service, faults, counters, state }: Exchange,
  message: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  let request: AzureRequest;
  try {
    request = await readRequest(message);
  } catch (error) {
    // The client gave up in the middle of its body, or asked for something unknown.
    if (error instanceof AzureFailure) send(response, failureReply(error), undefined);
    else response.destroy();
    return;
  }
  counters[request.operation] += 1;
  state.lastRange =
    String(message.headers["x-ms-range"] ?? message.headers.range ?? "") || undefined;
  const fault = faults.take(request.operation, request.blob);
  if (fault?.kind === "silent") return;
  if (fault?.kind === "reset") {
    message.socket.destroy();
    return;
  }
  const reply = perform(service, request, fault);
  if (fault?.kind === "applied_reset") {
    message.socket.destroy();
    return;
  }
  if (request.operation === "get") {
    state.open += 1;
    response.once("close", () => {
      state.open -= 1;
    });
  }
  send(response, reply, fault);
}

function perform(
  service: AzureService,
  request: AzureRequest,
  fault: AzureFaultKind | undefined,
): Reply {
  if (fault?.kind === "error") {
    const { status, code, headers } = fault;
    return failureReply(new AzureFailure(status, code, { headers }));
  }
  if (fault?.kind === "body") return xmlReply(200, fault.body);
  try {
    return service.handle(request);
  } catch (error) {
    if (error instanceof AzureFailure) return failureReply(error);
    throw new AppError({ code: "internal", message: "the Azure fake is broken", cause: error });
  }
}

function send(
  response: http.ServerResponse,
  reply: Reply,
  fault: AzureFaultKind | undefined,
): void {
  const { status, headers, body } = reply;
  response.writeHead(status, {
    ...headers,
    "x-ms-request-id": "fake",
    "x-ms-version": "2025-11-05",
    "content-length": String(body.length),
  });
  if (response.req.method === "HEAD") {
    response.end();
  } else if (fault?.kind === "cut" || fault?.kind === "stall") {
    response.write(body.subarray(0, fault.afterBytes));
    // destroySoon: the bytes before the cut still arrive.
    if (fault.kind === "cut") response.socket?.destroySoon();
  } else {
    response.end(body);
  }
}
