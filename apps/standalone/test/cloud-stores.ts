import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startS3Fake } from "@bucketbridge/testkit";
import { DEFAULT_ACCOUNT, startAzureFake } from "@bucketbridge/testkit/azure-fake";
import { startDatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import { startEntraFake } from "@bucketbridge/testkit/entra-fake";
import { startGcsFake } from "@bucketbridge/testkit/gcs-fake";
import { makeSelfSignedCertificate } from "@bucketbridge/testkit/self-signed";
import { startStsFake } from "@bucketbridge/testkit/sts-fake";
import type { Environment } from "./child.ts";
import type { Json } from "./client.ts";

/** One store of each cloud, each with an object below `in/`, and what processes must know of the operator to reach them. */
export interface CloudStores {
  /** The operator's variables. */
  readonly env: Environment;
  /** Fields of a storage by the type's name in the SDK, without a prefix. Local files and Redis are not among them. */
  readonly fields: Readonly<Record<string, Json>>;
  /** Makes the customer's role demand this external id. */
  trust(externalId: string): void;
  close(): Promise<void>;
}

const PLACE = "stores";
const KEY = "in/a.txt";
const ROLE = "arn:aws:iam::123456789012:role/labels";
const PLATFORM_AWS = {
  arn: "arn:aws:iam::999999999999:user/platform",
  accessKeyId: "AKIAPLATFORM",
  secretAccessKey: "platform-secret",
};
const OWNER = "owner@fake.iam.gserviceaccount.com";
const PLATFORM_GCP = "platform@fake.iam.gserviceaccount.com";
const POOL = "principalSet:pool";
const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
const APP = { tenantId: "tenant.example", clientId: "app-1", clientSecret: "client-secret" };
const VOLUME = { catalog: "main", schema: "default", volume: "pets" };
const VOLUME_PATH = Object.values(VOLUME).join("/");
const TOKEN = "dapi-all-types";

/** Starts the fakes of all clouds in this process. */
export async function startCloudStores(): Promise<CloudStores> {
  const folder = mkdtempSync(path.join(tmpdir(), "bucketbridge-stores-"));
  const families = await Promise.all([
    startAws(),
    startGoogle(folder),
    startAzure(folder),
    startDatabricks(),
  ]);
  return {
    env: Object.assign({}, ...families.map(({ env }) => env)) as Environment,
    fields: Object.assign({}, ...families.map(({ fields }) => fields)) as CloudStores["fields"],
    trust: (externalId) => {
      for (const family of families) family.trust(externalId);
    },
    close: async () => {
      await Promise.all(families.map((family) => family.close()));
      rmSync(folder, { recursive: true });
    },
  };
}

const trustNothing = (): void => undefined;

async function startAws(): Promise<CloudStores> {
  const s3 = await startS3Fake({ buckets: [PLACE] });
  s3.putObject(PLACE, KEY, "meow");
  const sts = await startStsFake({
    principals: [PLATFORM_AWS],
    roles: [],
    onSession: (key) => {
      s3.addAccessKey(key);
    },
  });
  const [key] = s3.accessKeys;
  const place = { bucket: PLACE, s3endpoint: s3.endpoint, region_name: s3.region };
  return {
    env: {
      AWS_ENDPOINT_URL_STS: sts.endpoint,
      BUCKETBRIDGE_AWS_ACCESS_KEY_ID: PLATFORM_AWS.accessKeyId,
      BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY: PLATFORM_AWS.secretAccessKey,
    },
    fields: {
      s3: {
        ...place,
        aws_access_key_id: key?.accessKeyId,
        aws_secret_access_key: key?.secretAccessKey,
      },
      s3s: { ...place, role_arn: ROLE },
    },
    trust: (externalId) => {
      sts.roles.push({ arn: ROLE, trusts: [PLATFORM_AWS.arn], externalId });
    },
    close: async () => {
      await Promise.all([s3.close(), sts.close()]);
    },
  };
}

async function startGoogle(folder: string): Promise<CloudStores> {
  const fake = await startGcsFake({
    buckets: [PLACE],
    accounts: [
      { email: OWNER, actors: [PLATFORM_GCP, POOL] },
      { email: PLATFORM_GCP, allow: [] },
    ],
    pools: [{ name: POOL, audience: AUDIENCE, acceptsArn: () => true }],
    awsCallers: [PLATFORM_AWS],
  });
  fake.putObject(PLACE, KEY, "meow");
  const keyFile = path.join(folder, "platform.json");
  writeFileSync(keyFile, fake.keyJson(PLATFORM_GCP));
  const { endpoints } = fake;
  return {
    env: {
      GOOGLE_APPLICATION_CREDENTIALS: keyFile,
      BUCKETBRIDGE_GCP_STORAGE_ENDPOINT: endpoints.storage,
      BUCKETBRIDGE_GCP_TOKEN_ENDPOINT: endpoints.token,
      BUCKETBRIDGE_GCP_STS_ENDPOINT: endpoints.sts,
      BUCKETBRIDGE_GCP_IAM_ENDPOINT: endpoints.iamCredentials,
    },
    fields: {
      gcs: { bucket: PLACE, google_application_credentials: fake.keyJson(OWNER) },
      gcs_sa: { bucket: PLACE, target_service_account_email: OWNER },
      gcswif: {
        ...{ bucket: PLACE, google_project_number: "1", google_wif_pool_id: "p" },
        ...{ google_wif_provider_id: "q", google_service_account_email: OWNER },
      },
    },
    trust: trustNothing,
    close: () => fake.close(),
  };
}

async function startAzure(folder: string): Promise<CloudStores> {
  const certificate = makeSelfSignedCertificate();
  const certFile = path.join(folder, "azure.pem");
  writeFileSync(certFile, certificate.cert);
  const entra = await startEntraFake({ apps: [APP], certificate });
  const allow = ["list", "read", "write", "delete", "delegate"] as const;
  const fake = await startAzureFake({
    ...{ certificate, containers: [PLACE], identities: [{ clientId: APP.clientId, allow }] },
  });
  fake.putBlob(PLACE, KEY, "meow");
  const { name, key } = DEFAULT_ACCOUNT;
  return {
    env: {
      NODE_EXTRA_CA_CERTS: certFile,
      BUCKETBRIDGE_AZURE_BLOB_ENDPOINT: fake.blobEndpoint,
      AZURE_AUTHORITY_HOST: entra.authorityHost,
    },
    fields: {
      azure: { container: PLACE, account_name: name, account_key: key },
      azure_spi: {
        ...{ container: PLACE, account_name: name, tenant_id: APP.tenantId },
        ...{ client_id: APP.clientId, client_secret: APP.clientSecret },
      },
    },
    trust: trustNothing,
    close: async () => {
      await Promise.all([fake.close(), entra.close()]);
    },
  };
}

async function startDatabricks(): Promise<CloudStores> {
  const fake = await startDatabricksFake({ volumes: [VOLUME_PATH], tokens: [{ token: TOKEN }] });
  fake.putFile(`${VOLUME_PATH}/${KEY}`, "meow");
  return {
    env: {},
    fields: { databricks: { host: fake.endpoint, ...VOLUME, token: TOKEN } },
    trust: trustNothing,
    close: () => fake.close(),
  };
}
