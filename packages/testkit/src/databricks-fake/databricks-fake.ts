import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { AppError } from "@bucketbridge/core";
import { makeSelfSignedCertificate } from "../self-signed.ts";
import { DatabricksFailure, OAuthFailure } from "./failure.ts";
import type { DatabricksFault, DatabricksFaultKind } from "./faults.ts";
import type { AppliedChange } from "./operation-log.ts";
import type { DatabricksFakeOptions, DatabricksOperation } from "./options.ts";
import { failureReply, jsonReply, sendReply, type Reply } from "./reply.ts";
import { DatabricksService, type DatabricksRequest } from "./service.ts";
import { Volume } from "./volume.ts";

/** A Databricks workspace in this process, for tests: Files API, its own token endpoint and that of Azure. */
export interface DatabricksFake {
  /** `http://127.0.0.1:<port>`, or https: the workspace's address, and that of Azure's login host. */
  readonly endpoint: string;
  /** Requests so far by operation. */
  readonly counters: Readonly<Record<DatabricksOperation, number>>;
  /** The most listings that were in work at the same time. */
  readonly peakListings: number;
  /** Answers to GET of a file that are on their way now. */
  readonly openBodies: number;
  /** Changes that requests made, in the order in which they took effect. */
  readonly operations: readonly AppliedChange[];
  /** Raw paths of the requests, as they came. */
  readonly paths: readonly string[];
  /** Writes past the log; `path` is `catalog/schema/volume/…`. */
  putFile(path: string, body: Uint8Array | string): void;
  makeDirectory(path: string): void;
  readFile(path: string): Buffer | undefined;
  /** Files of a volume, sorted. */
  listFiles(volume: string): readonly string[];
  clearVolume(volume: string): void;
  inject(fault: DatabricksFault): void;
  clearFaults(): void;
  /** Milliseconds that each listing waits. */
  setListLatency(ms: number): void;
  /** Makes all page tokens invalid that were given out so far. */
  expirePageTokens(): void;
  /** Makes all access tokens invalid that the token endpoints gave out so far. */
  revokeTokens(): void;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

interface State {
  readonly service: DatabricksService;
  readonly counters: Record<DatabricksOperation, number>;
  readonly paths: string[];
  listLatencyMs: number;
  listings: number;
  peakListings: number;
  openBodies: number;
}

/** Starts the fake on a loopback port. */
export async function startDatabricksFake(
  options: DatabricksFakeOptions = {},
): Promise<DatabricksFake> {
  const state: State = {
    service: new DatabricksService(options),
    counters: {
      ...{ list: 0, head_directory: 0, make_directory: 0, get: 0 },
      ...{ head: 0, put: 0, delete: 0, token: 0 },
    },
    paths: [],
    listLatencyMs: 0,
    listings: 0,
    peakListings: 0,
    openBodies: 0,
  };
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    void answer(state, message, response);
  };
  const server =
    options.tls === true
      ? https.createServer(makeSelfSignedCertificate(), listener)
      : http.createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${options.tls === true ? "https" : "http"}://127.0.0.1:${String(port)}`,
    counters: state.counters,
    operations: state.service.log.entries,
    paths: state.paths,
    get peakListings() {
      return state.peakListings;
    },
    get openBodies() {
      return state.openBodies;
    },
    ...volumeControls(state.service),
    ...faultControls(state),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

type VolumeControls = Pick<
  DatabricksFake,
  "putFile" | "makeDirectory" | "readFile" | "listFiles" | "clearVolume"
>;

function volumeControls(service: DatabricksService): VolumeControls {
  const locate = (full: string): { volume: Volume; path: string } => {
    const [catalog = "", schema = "", name = "", ...rest] = full.split("/");
    const id = `${catalog}/${schema}/${name}`;
    const volume = service.volumes.get(id) ?? new Volume();
    service.volumes.set(id, volume);
    return { volume, path: rest.join("/") };
  };
  return {
    putFile: (full, body) => {
      const { volume, path } = locate(full);
      volume.put(path, Buffer.from(body), service.now());
    },
    makeDirectory: (full) => {
      const { volume, path } = locate(full);
      volume.makeDirectory(path);
    },
    readFile: (full) => {
      const { volume, path } = locate(full);
      return volume.files.get(path)?.body;
    },
    listFiles: (id) => [...(service.volumes.get(id)?.files.keys() ?? [])].sort(),
    clearVolume: (id) => {
      service.volumes.get(id)?.clear();
    },
  };
}

type FaultControls = Pick<
  DatabricksFake,
  "inject" | "clearFaults" | "setListLatency" | "expirePageTokens" | "revokeTokens"
>;

function faultControls(state: State): FaultControls {
  const { service } = state;
  return {
    inject: (fault) => {
      service.faults.add(fault);
    },
    clearFaults: () => {
      service.faults.clear();
    },
    setListLatency: (ms) => {
      state.listLatencyMs = ms;
    },
    expirePageTokens: () => {
      service.tokenEpoch += 1;
    },
    revokeTokens: () => {
      service.principals.revoke();
    },
  };
}

async function answer(
  state: State,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(message).catch(() => undefined);
  if (request === undefined) {
    // The client gave up in the middle of its body, or asked for something unknown.
    response.destroy();
    return;
  }
  const { operation } = request;
  state.counters[operation] += 1;
  state.paths.push(message.url ?? "");
  const fault = state.service.faults.take(operation, request.path);
  if (fault?.kind === "silent") return;
  if (fault?.kind === "reset") {
    message.socket.resetAndDestroy();
    return;
  }
  if (operation === "list") await listingWait(state);
  const reply = perform(state.service, request, fault);
  if (operation === "get" && !response.destroyed) {
    state.openBodies += 1;
    response.once("close", () => {
      state.openBodies -= 1;
    });
  }
  await sendReply(response, reply, fault);
}

async function listingWait(state: State): Promise<void> {
  state.listings += 1;
  state.peakListings = Math.max(state.peakListings, state.listings);
  if (state.listLatencyMs > 0)
    await new Promise((resolve) => setTimeout(resolve, state.listLatencyMs));
  state.listings -= 1;
}

function perform(
  service: DatabricksService,
  request: DatabricksRequest,
  fault: DatabricksFaultKind | undefined,
): Reply {
  try {
    if (fault?.kind === "error")
      throw new DatabricksFailure(fault.status, fault.errorCode, { ...fault });
    if (fault?.kind === "body") return jsonReply(fault.status ?? 200, fault.body, fault.headers);
    return service.handle(request);
  } catch (error) {
    if (error instanceof DatabricksFailure || error instanceof OAuthFailure)
      return failureReply(error);
    throw new AppError({ code: "internal", message: "the fake is broken", cause: error });
  }
}

const FILES = "/api/2.0/fs/files";
const DIRECTORIES = "/api/2.0/fs/directories";

const OPERATIONS: Readonly<Record<string, DatabricksOperation>> = {
  [`GET ${DIRECTORIES}`]: "list",
  [`HEAD ${DIRECTORIES}`]: "head_directory",
  [`PUT ${DIRECTORIES}`]: "make_directory",
  [`GET ${FILES}`]: "get",
  [`HEAD ${FILES}`]: "head",
  [`PUT ${FILES}`]: "put",
  [`DELETE ${FILES}`]: "delete",
};

async function readRequest(message: IncomingMessage): Promise<DatabricksRequest | undefined> {
  const [path = "", search = ""] = (message.url ?? "/").split("?", 2);
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const common = { message, query: new URLSearchParams(search), body: Buffer.concat(chunks) };
  if (message.method === "POST" && /\/(oidc\/v1|oauth2\/v2\.0)\/token$/.test(path))
    return { ...common, operation: "token", path };
  const base = [FILES, DIRECTORIES].find((known) => path.startsWith(`${known}/`)) ?? "";
  const operation = OPERATIONS[`${message.method ?? ""} ${base}`];
  if (operation === undefined) return undefined;
  return { ...common, operation, path: decodeURIComponent(path.slice(base.length)) };
}
