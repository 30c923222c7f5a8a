import http from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "@bucketbridge/core";
import type { AppliedOperation } from "../s3-fake/operation-log.ts";
import { sendReply } from "../s3-fake/reply.ts";
import { GcsBucket, type GcsObject, type GcsObjectOptions } from "./bucket.ts";
import { GcsFailure } from "./failure.ts";
import type { GcsFault, InjectedGcsFault } from "./faults.ts";
import type { GcsFakeOptions, GcsOperation } from "./options.ts";
import { textReply, type GcsReply } from "./reply.ts";
import { readRequest, type GcsRequest } from "./request.ts";
import { GcsService } from "./service.ts";

/**
 * Google Cloud Storage with its token, STS, IAM and metadata services in this process, for tests: it checks every token, every
 * assertion and every signature, and fails on demand.
 */
export interface GcsFake {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** As `GcpPlatform.endpoints` takes them. */
  readonly endpoints: {
    readonly storage: string;
    readonly token: string;
    readonly sts: string;
    readonly iamCredentials: string;
    readonly metadata: string;
  };
  /** Requests so far by operation. */
  readonly counters: Readonly<Record<GcsOperation, number>>;
  /** Downloads that are on their way now. */
  readonly openBodies: number;
  /** Changes that requests made, in the order in which they took effect. */
  readonly operations: readonly AppliedOperation[];
  /** The JSON of an account's key, as Google's console gives it. */
  keyJson(email: string): string;
  /** Writes past the log. The bucket is made if it is missing. */
  putObject(
    bucket: string,
    key: string,
    body: Uint8Array | string,
    options?: GcsObjectOptions,
  ): void;
  findObject(bucket: string, key: string): GcsObject | undefined;
  listKeys(bucket: string): readonly string[];
  clearBucket(bucket: string): void;
  inject(fault: GcsFault): InjectedGcsFault;
  /** Makes all page tokens invalid that were given out so far. */
  expirePageTokens(): void;
  /** Makes all access tokens invalid that were given out so far. */
  revokeTokens(): void;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

/** Starts the fake on a loopback port. */
export async function startGcsFake(options: GcsFakeOptions = {}): Promise<GcsFake> {
  const service = new GcsService(options);
  const exchange = { counters: noRequests(), open: { bodies: 0 } };
  const server = http.createServer((message, response) => {
    void answer(service, { message, response, ...exchange });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    origin,
    endpoints: {
      storage: origin,
      token: `${origin}/token`,
      sts: `${origin}/v1/token`,
      iamCredentials: origin,
      metadata: origin,
    },
    counters: exchange.counters,
    get openBodies() {
      return exchange.open.bodies;
    },
    operations: service.log.entries,
    ...controls(service),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

type Controls = Pick<
  GcsFake,
  | "keyJson"
  | "putObject"
  | "findObject"
  | "listKeys"
  | "clearBucket"
  | "inject"
  | "expirePageTokens"
  | "revokeTokens"
>;

function controls(service: GcsService): Controls {
  const ensureBucket = (name: string): GcsBucket => {
    const bucket = service.buckets.get(name) ?? new GcsBucket(name);
    service.buckets.set(name, bucket);
    return bucket;
  };
  return {
    keyJson: (email) =>
      JSON.stringify({
        type: "service_account",
        project_id: "fake-project",
        private_key: service.accounts
          .privateKeyOf(email)
          ?.export({ type: "pkcs8", format: "pem" })
          .toString(),
        client_email: email,
        token_uri: "https://oauth2.googleapis.com/token",
      }),
    putObject: (bucket, key, body, options) => {
      ensureBucket(bucket).put(key, Buffer.from(body), options);
    },
    findObject: (bucket, key) => service.buckets.get(bucket)?.find(key),
    listKeys: (bucket) => [...(service.buckets.get(bucket)?.keys ?? [])],
    clearBucket: (bucket) => {
      service.buckets.get(bucket)?.clear();
    },
    inject: (fault) => service.faults.add(fault),
    expirePageTokens: () => {
      service.tokenEpoch += 1;
    },
    revokeTokens: () => {
      service.accounts.revokeTokens();
    },
  };
}

function noRequests(): Record<GcsOperation, number> {
  return {
    list: 0,
    get: 0,
    media: 0,
    insert: 0,
    delete: 0,
    fetch: 0,
    token: 0,
    exchange: 0,
    generate_token: 0,
    sign_blob: 0,
    metadata: 0,
  };
}

interface Exchange {
  readonly message: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly counters: Record<GcsOperation, number>;
  readonly open: { bodies: number };
}

async function answer(
  service: GcsService,
  { message, response, counters, open }: Exchange,
): Promise<void> {
  let request: GcsRequest;
  try {
    request = await readRequest(message);
  } catch (error) {
    // The client gave up in the middle of its body, or asked for something unknown.
    if (error instanceof GcsFailure) await send(response, error.toReply());
    else response.destroy();
    return;
  }
  counters[request.operation] += 1;
  const fault = service.faults.take(request.operation, request.key);
  if (fault?.kind === "silent") return;
  if (fault?.kind === "reset") {
    message.socket.resetAndDestroy();
    return;
  }
  const reply = perform(service, request, fault);
  if (fault?.kind === "applied_reset") {
    message.socket.resetAndDestroy();
    return;
  }
  if (request.operation === "media" && !response.destroyed) {
    open.bodies += 1;
    response.once("close", () => {
      open.bodies -= 1;
    });
  }
  await send(response, reply, fault);
}

function perform(service: GcsService, request: GcsRequest, fault: GcsFault | undefined): GcsReply {
  if (fault?.kind === "error") {
    const { status, reason = "backendError", message = "Injected.", headers } = fault;
    return new GcsFailure(status, reason, message, headers).toReply();
  }
  if (fault?.kind === "body") return textReply(200, fault.body, "text/html");
  try {
    return service.handle(request);
  } catch (error) {
    if (error instanceof GcsFailure) return error.toReply();
    throw new AppError({ code: "internal", message: "the GCS fake is broken", cause: error });
  }
}

async function send(
  response: http.ServerResponse,
  reply: GcsReply,
  fault?: GcsFault,
): Promise<void> {
  const partial = fault?.kind === "cut" || fault?.kind === "stall" ? fault : undefined;
  await sendReply(response, reply, partial, () => undefined);
}
