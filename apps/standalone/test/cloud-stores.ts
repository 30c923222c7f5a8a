import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startS3Fake } from "@bucketbridge/testkit";
import { DEFAULT_ACCESS_KEY, type S3AccessKey } from "@bucketbridge/testkit/s3-fake";
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

/** What customers sign in with. */
export interface CloudSecrets {
  readonly aws: S3AccessKey;
  /** True: the role of `s3s` is assumed by these keys, not by the platform's. */
  readonly ownRoleKeys: boolean;
  /** Base64. */
  readonly azureKey: string;
  readonly azureClientSecret: string;
  readonly databricksToken: string;
}

const USUAL_SECRETS: CloudSecrets = {
  aws: DEFAULT_ACCESS_KEY,
  ownRoleKeys: false,
  azureKey: DEFAULT_ACCOUNT.key,
  azureClientSecret: "client-secret",
  databricksToken: "dapi-all-types",
};

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
const CUSTOMER_ARN = "arn:aws:iam::123456789012:user/customer";
const APP = { tenantId: "tenant.example", clientId: "app-1" };
const VOLUME = { catalog: "main", schema: "default", volume: "pets" };
const VOLUME_PATH = Object.values(VOLUME).join("/");

/** Starts the fakes of all clouds in this process. */
export async function startCloudStores(
  secrets: CloudSecrets = USUAL_SECRETS,
): Promise<CloudStores> {
  const folder = mkdtempSync(path.join(tmpdir(), "bucketbridge-stores-"));
  const families = await Promise.all([
    startAws(secrets),
    startGoogle(folder),
    startAzure(folder, secrets),
    startDatabricks(secrets),
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

async function startAws({ aws, ownRoleKeys }: CloudSecrets): Promise<CloudStores> {
  const s3 = await startS3Fake({ buckets: [PLACE], accessKeys: [aws] });
  s3.putObject(PLACE, KEY, "meow");
  const sts = await startStsFake({
    principals: [PLATFORM_AWS, { ...aws, arn: CUSTOMER_ARN }],
    roles: [],
    onSession: (key) => {
      s3.addAccessKey(key);
    },
  });
  const keys = {
    aws_access_key_id: aws.accessKeyId,
    aws_secret_access_key: aws.secretAccessKey,
    aws_session_token: aws.sessionToken,
  };
  const place = { bucket: PLACE, s3endpoint: s3.endpoint, region_name: s3.region };
  return {
    env: {
      AWS_ENDPOINT_URL_STS: sts.endpoint,
      BUCKETBRIDGE_AWS_ACCESS_KEY_ID: PLATFORM_AWS.accessKeyId,
      BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY: PLATFORM_AWS.secretAccessKey,
    },
    fields: {
      s3: { ...place, ...keys },
      s3s: { ...place, ...(ownRoleKeys ? keys : {}), role_arn: ROLE },
    },
    trust: (externalId) => {
      sts.roles.push({ arn: ROLE, trusts: [PLATFORM_AWS.arn, CUSTOMER_ARN], externalId });
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
      // By federation the account signs as itself.
      { email: OWNER, actors: [PLATFORM_GCP, POOL], signers: [PLATFORM_GCP, OWNER] },
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

async function startAzure(folder: string, secrets: CloudSecrets): Promise<CloudStores> {
  const { azureKey: key, azureClientSecret: clientSecret } = secrets;
  const { name } = DEFAULT_ACCOUNT;
  const certificate = makeSelfSignedCertificate();
  const certFile = path.join(folder, "azure.pem");
  writeFileSync(certFile, certificate.cert);
  const entra = await startEntraFake({ apps: [{ ...APP, clientSecret }], certificate });
  const allow = ["list", "read", "write", "delete", "delegate"] as const;
  const fake = await startAzureFake({
    accounts: [{ name, key }],
    ...{ certificate, containers: [PLACE], identities: [{ clientId: APP.clientId, allow }] },
  });
  fake.putBlob(PLACE, KEY, "meow");
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
        ...{ client_id: APP.clientId, client_secret: clientSecret },
      },
    },
    trust: trustNothing,
    close: async () => {
      await Promise.all([fake.close(), entra.close()]);
    },
  };
}

async function startDatabricks({ databricksToken: token }: CloudSecrets): Promise<CloudStores> {
  const fake = await startDatabricksFake({ volumes: [VOLUME_PATH], tokens: [{ token }] });
  fake.putFile(`${VOLUME_PATH}/${KEY}`, "meow");
  return {
    env: {},
    fields: { databricks: { host: fake.endpoint, ...VOLUME, token } },
    trust: trustNothing,
    close: () => fake.close(),
  };
}
