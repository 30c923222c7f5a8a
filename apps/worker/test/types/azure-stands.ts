import {
  ambientSlice,
  awsPlatformSlice,
  azurePlatformSlice,
  gcpPlatformSlice,
  loadConfig,
  platformSlice,
  resolvePlatform,
  type Environment,
  type Platform,
} from "@bucketbridge/config";
import { DEFAULT_ACCOUNT, startAzureFake, type AzureFake } from "@bucketbridge/testkit/azure-fake";
import { startEntraFake } from "@bucketbridge/testkit/entra-fake";
import { makeSelfSignedCertificate, trustCertificate } from "@bucketbridge/testkit/self-signed";
import type { TypeStand } from "./type-stand.ts";

const CONTAINER = "stand";
const APP = { tenantId: "tenant.example", clientId: "app-1", clientSecret: "client-secret" };
const LISTER = { ...APP, clientId: "app-lister" };
const WRITER = { ...APP, clientId: "app-writer" };

/** The Azure family on the fakes that check keys, tokens and signatures. */
export const AZURE_STANDS: readonly (readonly [type: string, open: () => Promise<TypeStand>])[] = [
  ["azure", openKeyStand],
  ["azure_spi", openPrincipalStand],
];

async function openKeyStand(): Promise<TypeStand> {
  const fake = await startAzureFake({ containers: [CONTAINER] });
  return {
    ...toStand(fake),
    type: "azure",
    settings: { container: CONTAINER },
    secrets: { account_name: DEFAULT_ACCOUNT.name, account_key: DEFAULT_ACCOUNT.key },
    worker: { platform: toPlatform({ BUCKETBRIDGE_AZURE_BLOB_ENDPOINT: fake.blobEndpoint }) },
    close: () => fake.close(),
  };
}

async function openPrincipalStand(): Promise<TypeStand> {
  const certificate = makeSelfSignedCertificate();
  trustCertificate(certificate.cert);
  const entra = await startEntraFake({ apps: [APP, LISTER, WRITER], certificate });
  const fake = await startAzureFake({
    containers: [CONTAINER],
    certificate,
    identities: [
      { clientId: APP.clientId, allow: ["list", "read", "write"] },
      { clientId: LISTER.clientId, allow: ["list"] },
      { clientId: WRITER.clientId, allow: ["write"] },
    ],
  });
  return {
    ...toStand(fake),
    type: "azure_spi",
    settings: {
      container: CONTAINER,
      account_name: DEFAULT_ACCOUNT.name,
      tenant_id: APP.tenantId,
      client_id: APP.clientId,
    },
    secrets: { client_secret: APP.clientSecret },
    lister: { settings: { client_id: LISTER.clientId } },
    writer: { settings: { client_id: WRITER.clientId } },
    worker: {
      platform: toPlatform({
        BUCKETBRIDGE_AZURE_BLOB_ENDPOINT: fake.blobEndpoint,
        AZURE_AUTHORITY_HOST: entra.authorityHost,
      }),
    },
    close: async () => {
      await fake.close();
      await entra.close();
    },
  };
}

function toStand(fake: AzureFake): Pick<TypeStand, "referencePrefix" | "seed" | "keys" | "read"> {
  return {
    referencePrefix: `azure-blob://${CONTAINER}/`,
    seed: (key, body) => {
      fake.putBlob(CONTAINER, key, body);
    },
    keys: () => fake.listBlobs(CONTAINER),
    read: (key) => fake.readBlob(CONTAINER, key)?.toString() ?? "",
  };
}

/** As the process reads it, so that the variables are tested with the types. */
function toPlatform(environment: Environment): Platform {
  const slices = {
    ambient: ambientSlice,
    awsPlatform: awsPlatformSlice,
    azurePlatform: azurePlatformSlice,
    gcpPlatform: gcpPlatformSlice,
    platform: platformSlice,
  };
  return resolvePlatform(loadConfig(slices, environment));
}
