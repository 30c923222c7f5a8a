import type * as Sdk from "@azure/storage-blob";
import { AppError } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { TokenCache } from "../token-cache.ts";
import { createHttpClient, toBlobHttpClient, type ParsedListings } from "./http-client.ts";

/** What a client is made with. */
export interface BlobClientsDeps {
  readonly sdk: typeof Sdk;
  readonly accountUrl: string;
  /** Undefined while the user has named none; then every call is refused. */
  readonly containerName: string | undefined;
  /** The account's key, or tokens that each request carries. */
  readonly credential: Sdk.StorageSharedKeyCredential | TokenCache;
  readonly egress: Egress;
}

/** The SDK's clients of one storage. */
export interface BlobClients {
  readonly service: Sdk.BlobServiceClient;
  readonly listings: ParsedListings;
  /** Throws `invalid_config` while there is no container. */
  container(): Sdk.ContainerClient;
}

/** Loads the SDK, once per process and not before a storage needs it. */
export async function loadSdk(): Promise<typeof Sdk> {
  return import("@azure/storage-blob");
}

/** Makes the clients; no connection is made. All of them share one pipeline. */
export async function createBlobClients(deps: BlobClientsDeps): Promise<BlobClients> {
  const { sdk, accountUrl, containerName, credential, egress } = deps;
  const listings: ParsedListings = new WeakMap();
  const tokens = credential instanceof TokenCache ? credential : undefined;
  const httpClient = await toBlobHttpClient(await createHttpClient(egress), { listings, tokens });
  const signer = credential instanceof TokenCache ? new sdk.AnonymousCredential() : credential;
  const pipeline = sdk.newPipeline(signer, {
    httpClient,
    // The retry decorator repeats: it knows which calls may be, and it is one place with one budget.
    retryOptions: { maxTries: 1 },
  });
  const service = new sdk.BlobServiceClient(accountUrl, pipeline);
  const client =
    containerName === undefined ? undefined : service.getContainerClient(containerName);
  return {
    service,
    listings,
    container() {
      if (client !== undefined) return client;
      throw new AppError({
        code: "invalid_config",
        reason: "azure.container_missing",
        message: "the storage has no container; name one",
      });
    },
  };
}
