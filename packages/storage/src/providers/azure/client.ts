import type { TokenCredential } from "@azure/identity";
import type * as Sdk from "@azure/storage-blob";
import { AppError } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { createHttpClient, toBlobHttpClient, type ParsedListings } from "./http-client.ts";

/** Azure's public cloud. */
const DEFAULT_ENDPOINT = "https://{account}.blob.core.windows.net";

/** What a client is made with. */
export interface BlobClientsDeps {
  readonly sdk: typeof Sdk;
  readonly accountUrl: string;
  /** Undefined while the user has named none; then every call is refused. */
  readonly containerName: string | undefined;
  readonly credential: Sdk.StorageSharedKeyCredential | TokenCredential;
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

/** Where the blobs of an account are: `endpoint` is the operator's, with `{account}` in it; undefined: the public cloud. */
export function toAccountUrl(accountName: string, endpoint: string | undefined): string {
  return (endpoint ?? DEFAULT_ENDPOINT).replaceAll("{account}", accountName).replace(/\/+$/, "");
}

/** Makes the clients; no connection is made. All of them share one pipeline, and with it one token. */
export async function createBlobClients(deps: BlobClientsDeps): Promise<BlobClients> {
  const { sdk, accountUrl, containerName, credential, egress } = deps;
  const listings: ParsedListings = new WeakMap();
  const httpClient = await toBlobHttpClient(await createHttpClient(egress), listings);
  const pipeline = sdk.newPipeline(credential, {
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
