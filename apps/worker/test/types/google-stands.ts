import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
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
import { startGcsFake, type GcsFake } from "@bucketbridge/testkit/gcs-fake";
import type { Access, TypeStand } from "./type-stand.ts";

const OWNER = "owner@fake.iam.gserviceaccount.com";
const LISTER = "lister@fake.iam.gserviceaccount.com";
const WRITER = "writer@fake.iam.gserviceaccount.com";
const PLATFORM = "platform@fake.iam.gserviceaccount.com";
const POOL = "principalSet:pool";
const CALLER = { accessKeyId: "AKIAPLATFORM", secretAccessKey: "platform-secret" };
const BUCKET = "stand";

interface Variant {
  readonly type: string;
  /** What the operator sets beside the addresses of the services. `keyFile`: the JSON of the platform's account. */
  readonly environment: (keyFile: string) => Environment;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The fields by which the type names an account. */
  readonly actAs: (fake: GcsFake, email: string) => Access;
}

const VARIANTS: readonly Variant[] = [
  {
    type: "gcs",
    environment: () => ({}),
    settings: {},
    actAs: (fake, email) => ({ secrets: { google_application_credentials: fake.keyJson(email) } }),
  },
  {
    type: "gcs_sa",
    environment: (keyFile) => ({ GOOGLE_APPLICATION_CREDENTIALS: keyFile }),
    settings: {},
    actAs: (_fake, email) => ({ settings: { target_service_account_email: email } }),
  },
  {
    type: "gcswif",
    environment: () => ({
      BUCKETBRIDGE_AWS_ACCESS_KEY_ID: CALLER.accessKeyId,
      BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY: CALLER.secretAccessKey,
    }),
    settings: {
      google_project_number: "1",
      google_wif_pool_id: "p",
      google_wif_provider_id: "q",
    },
    actAs: (_fake, email) => ({ settings: { google_service_account_email: email } }),
  },
];

/** The Google family on the fake that checks assertions, tokens, subject tokens and signatures. */
export const GOOGLE_STANDS: readonly (readonly [type: string, open: () => Promise<TypeStand>])[] =
  VARIANTS.map((variant) => [variant.type, () => openStand(variant)]);

async function openStand({ type, environment, settings, actAs }: Variant): Promise<TypeStand> {
  const fake = await startFake();
  const owner = actAs(fake, OWNER);
  const folder = mkdtempSync(path.join(tmpdir(), "bucketbridge-google-"));
  const keyFile = path.join(folder, "platform.json");
  writeFileSync(keyFile, fake.keyJson(PLATFORM));
  return {
    type,
    settings: { bucket: BUCKET, ...settings, ...owner.settings },
    secrets: { ...owner.secrets },
    lister: actAs(fake, LISTER),
    writer: actAs(fake, WRITER),
    worker: {
      ambient: { buckets: [BUCKET] },
      platform: toPlatform({ ...toEndpoints(fake), ...environment(keyFile) }),
    },
    referencePrefix: `gs://${BUCKET}/`,
    seed: (key, body) => {
      fake.putObject(BUCKET, key, body);
    },
    keys: () => fake.listKeys(BUCKET),
    read: (key) => fake.findObject(BUCKET, key)?.body.toString() ?? "",
    close: () => {
      rmSync(folder, { recursive: true });
      return fake.close();
    },
  };
}

function startFake(): Promise<GcsFake> {
  return startGcsFake({
    buckets: [BUCKET],
    accounts: [
      { email: OWNER, actors: [PLATFORM, POOL] },
      { email: LISTER, allow: ["list"], actors: [PLATFORM, POOL] },
      { email: WRITER, allow: ["create"], actors: [PLATFORM, POOL] },
      { email: PLATFORM, allow: [] },
    ],
    pools: [
      {
        name: POOL,
        audience:
          "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        acceptsArn: () => true,
      },
    ],
    awsCallers: [{ ...CALLER, arn: "arn:aws:iam::123456789012:user/platform" }],
  });
}

function toEndpoints({ endpoints }: GcsFake): Environment {
  return {
    BUCKETBRIDGE_GCP_STORAGE_ENDPOINT: endpoints.storage,
    BUCKETBRIDGE_GCP_TOKEN_ENDPOINT: endpoints.token,
    BUCKETBRIDGE_GCP_STS_ENDPOINT: endpoints.sts,
    BUCKETBRIDGE_GCP_IAM_ENDPOINT: endpoints.iamCredentials,
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
