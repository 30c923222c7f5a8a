import http from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "@bucketbridge/core";
import {
  Bucket,
  storedBytes,
  storedPattern,
  type PatternHeaders,
  type StoredHeaders,
} from "./bucket.ts";
import { S3Failure } from "./failure.ts";
import type { ActiveFault, InjectedFault, S3Fault, S3FaultKind } from "./faults.ts";
import type { AppliedOperation } from "./operation-log.ts";
import type {
  S3AccessKey,
  S3BucketOptions,
  S3FakeOptions,
  S3Latency,
  S3Operation,
} from "./options.ts";
import { preRender, type PreRenderedOptions } from "./pre-rendered.ts";
import { failureReply, sendReply, xmlReply, type Reply } from "./reply.ts";
import { readRequest, type S3Request } from "./request.ts";
import { S3Service } from "./service.ts";

/** An S3 server in this process, for tests: it checks every signature and fails on demand. */
export interface S3Fake {
  /** `http://127.0.0.1:<port>`; path style only. */
  readonly endpoint: string;
  readonly region: string;
  /** The key pairs it knows; the first is the usual one. */
  readonly accessKeys: readonly S3AccessKey[];
  /** Requests so far by operation. */
  readonly counters: Readonly<Record<S3Operation, number>>;
  /** Bytes of bodies handed to the network. */
  readonly bytesSent: number;
  /** Answers to GET that are on their way now. */
  readonly openBodies: number;
  /** Changes that requests made, in the order in which they took effect. */
  readonly operations: readonly AppliedOperation[];
  /** From now on requests may be signed with it. */
  addAccessKey(key: S3AccessKey): void;
  createBucket(options: S3BucketOptions): void;
  /** Writes past the log. The bucket is made if it is missing. */
  putObject(bucket: string, key: string, body: Uint8Array | string, headers?: StoredHeaders): void;
  /** One object under many keys; its bytes are kept once. */
  putCopies(bucket: string, keys: readonly string[], body: Uint8Array | string): void;
  /** An object of any size that takes no memory. */
  putPattern(bucket: string, key: string, size: number, headers?: PatternHeaders): void;
  deleteObject(bucket: string, key: string): void;
  /** The bytes of an object, or undefined. */
  readObject(bucket: string, key: string): Buffer | undefined;
  /** Keys of a bucket in S3's order. */
  listKeys(bucket: string): readonly string[];
  clearBucket(bucket: string): void;
  /** Turns a bucket into nothing but a large, fast listing. */
  preRender(bucket: string, options: PreRenderedOptions): void;
  inject(fault: S3Fault): InjectedFault;
  setLatency(latencyMs: S3Latency): void;
  /** Makes all continuation tokens invalid that were given out so far. */
  expireTokens(): void;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

/** Starts the fake on a loopback port. */
export async function startS3Fake(options: S3FakeOptions = {}): Promise<S3Fake> {
  const service = new S3Service(options);
  const counters = {
    list: 0,
    head_bucket: 0,
    location: 0,
    get: 0,
    head: 0,
    put: 0,
    delete: 0,
    preflight: 0,
  };
  const sent = { bytes: 0, open: 0 };
  const server = http.createServer((message, response) => {
    void answer(service, { message, response, counters, sent });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${String(port)}`,
    region: service.region,
    accessKeys: service.accessKeys,
    counters,
    get bytesSent() {
      return sent.bytes;
    },
    get openBodies() {
      return sent.open;
    },
    operations: service.log.entries,
    ...bucketControls(service),
    addAccessKey: (key) => {
      service.accessKeys.push(key);
    },
    inject: (fault) => service.faults.add(fault),
    setLatency: (latencyMs) => {
      service.latencyMs = latencyMs;
    },
    expireTokens: () => {
      service.tokenEpoch += 1;
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

type BucketControls = Pick<
  S3Fake,
  | "createBucket"
  | "putObject"
  | "putCopies"
  | "putPattern"
  | "deleteObject"
  | "readObject"
  | "listKeys"
  | "clearBucket"
  | "preRender"
>;

function bucketControls(service: S3Service): BucketControls {
  const createBucket = (settings: S3BucketOptions): Bucket => {
    const bucket = new Bucket(settings, service.region);
    service.buckets.set(settings.name, bucket);
    return bucket;
  };
  const ensureBucket = (name: string): Bucket =>
    service.buckets.get(name) ?? createBucket({ name });
  return {
    createBucket,
    putObject: (bucket, key, body, headers) => {
      ensureBucket(bucket).put(key, storedBytes(Buffer.from(body), headers));
    },
    putCopies: (bucket, keys, body) => {
      const object = storedBytes(Buffer.from(body));
      for (const key of keys) ensureBucket(bucket).put(key, object);
    },
    putPattern: (bucket, key, size, headers) => {
      ensureBucket(bucket).put(key, storedPattern(size, headers));
    },
    deleteObject: (bucket, key) => {
      ensureBucket(bucket).delete(key);
    },
    readObject: (bucket, key) => {
      const object = service.buckets.get(bucket)?.find(key);
      return object === undefined ? undefined : Buffer.concat([...object.chunks(0, object.size)]);
    },
    listKeys: (bucket) => [...(service.buckets.get(bucket)?.keys ?? [])],
    clearBucket: (bucket) => {
      service.buckets.get(bucket)?.clear();
    },
    preRender: (bucket, listing) => {
      ensureBucket(bucket).preRendered = preRender(listing);
    },
  };
}

interface Exchange {
  readonly message: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly counters: Record<S3Operation, number>;
  readonly sent: { bytes: number; open: number };
}

async function answer(
  service: S3Service,
  { message, response, counters, sent }: Exchange,
): Promise<void> {
  let request: S3Request;
  try {
    request = await readRequest(message);
  } catch (error) {
    // The client gave up in the middle of its body, or asked for something unknown.
    if (error instanceof S3Failure)
      await sendReply(response, failureReply(error), undefined, () => undefined);
    else response.destroy();
    return;
  }
  counters[request.operation] += 1;
  const fault = service.faults.take(request.operation, request.key);
  const waitMs = service.latencyMs[request.operation] ?? 0;
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  const kind = fault?.fault;
  if (kind?.kind === "silent") return;
  if (kind?.kind === "reset") {
    message.socket.resetAndDestroy();
    return;
  }
  const reply = perform(service, request, fault);
  if (kind?.kind === "applied_silent") return;
  if (kind?.kind === "applied_reset" || kind?.kind === "late_apply") {
    message.socket.resetAndDestroy();
    return;
  }
  if (request.operation === "get" && !response.destroyed) {
    sent.open += 1;
    response.once("close", () => {
      sent.open -= 1;
    });
  }
  await sendReply(response, reply, kind, (count) => {
    sent.bytes += count;
  });
}

function perform(service: S3Service, request: S3Request, fault: ActiveFault | undefined): Reply {
  try {
    const injected = fault === undefined ? undefined : injectedReply(fault.fault);
    return injected ?? service.handle(request, fault);
  } catch (error) {
    if (error instanceof S3Failure) return failureReply(error);
    throw new AppError({ code: "internal", message: "the S3 fake is broken", cause: error });
  }
}

function injectedReply(fault: S3FaultKind): Reply | undefined {
  switch (fault.kind) {
    case "error":
      return failureReply(
        new S3Failure(
          fault.status,
          fault.code,
          fault.headers === undefined ? {} : { headers: fault.headers },
        ),
      );
    case "error_in_200":
      return xmlReply(200, new S3Failure(200, fault.code).toXml());
    case "body":
      return xmlReply(200, fault.body);
    default:
      return undefined;
  }
}
