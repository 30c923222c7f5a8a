import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Secret, silentLogger } from "@bucketbridge/core";
import { DEFAULT_ACCOUNT, startAzureFake } from "@bucketbridge/testkit/azure-fake";
import { findAzurite, type FoundAzurite } from "@bucketbridge/testkit/azurite";
import { startGcsFake } from "@bucketbridge/testkit/gcs-fake";
import { findMinio } from "@bucketbridge/testkit/minio";
import { startS3Fake } from "@bucketbridge/testkit/s3-fake";
import { trustCertificate } from "@bucketbridge/testkit/self-signed";
import { createEgress } from "../egress/create-egress.ts";
import { openPersistence, type PersistencePlace } from "../providers/open-persistence.ts";
import type { PersistentStore } from "../providers/persistent-store.ts";
import type { AzurePlatform, GcpPlatform } from "../providers/provider-deps.ts";
import { createAzuriteContainer } from "./azure-harness.ts";
import { openServerBucket } from "./s3-server.ts";

/** A store for the files of an installation, empty at the start. */
export interface PersistenceStand {
  readonly name: string;
  readonly store: PersistentStore;
  close(): Promise<void>;
}

/** Every kind of store, on a real server where one listens, else on the fake. */
export const PERSISTENCE_STANDS: readonly (readonly [
  type: PersistencePlace["type"],
  open: () => Promise<PersistenceStand>,
])[] = [
  ["local", openLocal],
  ["s3", openS3],
  ["gcs", openGcs],
  ["azure", openAzure],
];

interface Served {
  readonly name: string;
  readonly place: PersistencePlace;
  readonly gcp?: GcpPlatform;
  readonly azure?: AzurePlatform;
  close(): Promise<void>;
}

async function open(served: Served): Promise<PersistenceStand> {
  const { name, place, gcp = {}, azure = {} } = served;
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const platform = { egress, aws: {}, gcp, azure };
  const store = await openPersistence(place, { log: silentLogger, platform, denied: [] });
  return {
    name,
    store,
    close: async () => {
      await store.close();
      await egress.close();
      await served.close();
    },
  };
}

async function openLocal(): Promise<PersistenceStand> {
  const folder = await mkdtemp(path.join(tmpdir(), "bucketbridge-files-"));
  return open({
    name: "local disk",
    place: { type: "local", prefix: "", folder: path.join(folder, "files") },
    close: () => rm(folder, { recursive: true }),
  });
}

async function openS3(): Promise<PersistenceStand> {
  const minio = await findMinio();
  const region = "us-east-1";
  if (minio !== undefined) {
    const { endpoint, accessKeyId, secretAccessKey } = minio;
    const bucket = await openServerBucket({ endpoint, region, keys: minio });
    const keys = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
    return open({
      name: "MinIO",
      place: toS3Place({ bucket: bucket.name, endpoint, ...keys }),
      close: () => bucket.dispose(),
    });
  }
  const owner = { accessKeyId: "AKIAFILES", secretAccessKey: "files-secret" };
  const fake = await startS3Fake({ buckets: ["files"], accessKeys: [owner] });
  return open({
    name: "S3 fake",
    place: toS3Place({
      bucket: "files",
      endpoint: fake.endpoint,
      accessKeyId: owner.accessKeyId,
      secretAccessKey: new Secret(owner.secretAccessKey),
    }),
    close: () => fake.close(),
  });
}

function toS3Place(at: {
  readonly bucket: string;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}): PersistencePlace {
  const { bucket, endpoint, accessKeyId, secretAccessKey } = at;
  const keys = { accessKeyId, secretAccessKey, sessionToken: undefined };
  const region = undefined;
  return { type: "s3", prefix: "of/us", bucket, region, endpoint, keys, kmsKey: undefined };
}

async function openGcs(): Promise<PersistenceStand> {
  const email = "files@fake.iam.gserviceaccount.com";
  const fake = await startGcsFake({ buckets: ["files"], accounts: [{ email }] });
  const credentials = new Secret(fake.keyJson(email));
  return open({
    name: "GCS fake",
    place: {
      ...{ type: "gcs", prefix: "of/us", bucket: "files" },
      ...{ project: undefined, kmsKey: undefined, credentials },
    },
    gcp: { endpoints: fake.endpoints },
    close: () => fake.close(),
  });
}

async function openAzure(): Promise<PersistenceStand> {
  const azurite = await findAzurite();
  return azurite === undefined ? openAzureFake() : openAzurite(azurite);
}

async function openAzurite(azurite: FoundAzurite): Promise<PersistenceStand> {
  trustCertificate(azurite.ca);
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const container = await createAzuriteContainer(azurite, egress);
  const principal = { tenantId: undefined, clientId: undefined, clientSecret: undefined };
  return open({
    name: "Azurite",
    place: {
      ...{ type: "azure", prefix: "of/us", container: container.containerName },
      ...{ accountName: azurite.accountName, accountKey: new Secret(azurite.accountKey) },
      principal,
    },
    azure: { blobEndpoint: azurite.blobEndpoint },
    close: async () => {
      await container.delete();
      await egress.close();
    },
  });
}

async function openAzureFake(): Promise<PersistenceStand> {
  const container = `files-${randomUUID()}`;
  const fake = await startAzureFake({ containers: [container] });
  const accountKey = new Secret(DEFAULT_ACCOUNT.key);
  const principal = { tenantId: undefined, clientId: undefined, clientSecret: undefined };
  return open({
    name: "Azure fake",
    place: {
      ...{ type: "azure", prefix: "of/us", container, accountName: DEFAULT_ACCOUNT.name },
      ...{ accountKey, principal },
    },
    azure: { blobEndpoint: fake.blobEndpoint },
    close: () => fake.close(),
  });
}
