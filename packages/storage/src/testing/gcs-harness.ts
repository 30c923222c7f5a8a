import { startGcsFake, type GcsFake, type GcsFakeOptions } from "@bucketbridge/testkit/gcs-fake";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import type { ProviderDefinition } from "../providers/definition.ts";
import { gcsProvider, gcsSaProvider, gcswifProvider } from "../providers/gcs/index.ts";
import type {
  AwsPlatform,
  GcpPlatform,
  ProviderDeps,
  StorageContext,
} from "../providers/provider-deps.ts";
import { Secret } from "@bucketbridge/core";
import type { DriverHarness, HarnessOverride } from "./harness.ts";
import { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";

/** Accounts of the fake that the suite acts as. */
export const OWNER = "owner@fake.iam.gserviceaccount.com";
const DENIED = "denied@fake.iam.gserviceaccount.com";
const LISTER = "lister@fake.iam.gserviceaccount.com";
const WRITER = "writer@fake.iam.gserviceaccount.com";
const DISABLED = "disabled@fake.iam.gserviceaccount.com";
const PLATFORM = "platform@fake.iam.gserviceaccount.com";
const POOL = "principalSet:suite";
const AWS_ROLE = "arn:aws:sts::123456789012:assumed-role/bucketbridge/org-external-id";

/** The platform's keys at AWS that the fake's pool believes. */
export const AWS_KEYS = {
  accessKeyId: "AKIAPLATFORM",
  secretAccessKey: "platform-secret/+=",
  sessionToken: "platform-session-token",
};

/** Settings of the fake's pool. */
export const POOL_FIELDS = {
  google_project_number: "123456789",
  google_wif_pool_id: "suite-pool",
  google_wif_provider_id: "suite-aws",
};
const AUDIENCE =
  "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/suite-pool/providers/suite-aws";

/** What the fake of the suite knows: an account with all rights, one with none, a disabled one, the platform's, and a pool. */
export const SUITE_OPTIONS: GcsFakeOptions = {
  buckets: ["suite"],
  accounts: [
    { email: OWNER, actors: [PLATFORM, POOL], signers: [PLATFORM, OWNER] },
    { email: DENIED, allow: [], actors: [PLATFORM, POOL], signers: [DENIED, PLATFORM] },
    { email: LISTER, allow: ["list"], actors: [PLATFORM, POOL] },
    { email: WRITER, allow: ["create"], actors: [PLATFORM, POOL] },
    { email: DISABLED, disabled: true, actors: [PLATFORM, POOL] },
    { email: PLATFORM, allow: [] },
  ],
  pools: [{ name: POOL, audience: AUDIENCE, acceptsArn: (arn) => arn === AWS_ROLE }],
  awsCallers: [{ ...AWS_KEYS, arn: AWS_ROLE }],
};

/** What a driver of the Google family is opened with in tests. */
export interface OpenGcs {
  readonly egress: Egress;
  readonly gcp: GcpPlatform;
  readonly aws?: AwsPlatform;
  readonly deps?: Partial<ProviderDeps>;
  readonly context?: Partial<StorageContext>;
}

/** Opens a driver as the processes do, from the fields of the wire. */
export function openGcs(
  provider: Pick<ProviderDefinition, "settings" | "open">,
  fields: Record<string, unknown>,
  { egress, gcp, aws = {}, deps, context }: OpenGcs,
): Promise<StorageDriver> {
  return provider.open(
    provider.settings.parse(fields),
    makeProviderDeps(egress, { platform: { egress, aws, gcp, azure: {} }, ...deps }),
    makeStorageContext({ direction: "target", isOnlyOrganization: true, ...context }),
  );
}

/** Names of objects hold no line breaks at Google, so the cases with control characters cannot run. */
export const GOOGLE_GAPS: readonly HarnessOverride[] = [
  {
    gap: "key.control_character",
    link: "https://cloud.google.com/storage/docs/objects#naming",
  },
];

interface FakeSuite {
  readonly provider: ProviderDefinition;
  readonly platform: (fake: GcsFake) => Pick<OpenGcs, "gcp" | "aws">;
  /** Fields by which the type names an account. */
  readonly actAs: (fake: GcsFake, email: string) => Record<string, unknown>;
}

async function fakeHarness({ provider, platform, actAs }: FakeSuite): Promise<DriverHarness> {
  const fake = await startGcsFake(SUITE_OPTIONS);
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const open = (email: string, fields: Record<string, unknown> = {}): Promise<StorageDriver> =>
    openGcs(
      provider,
      { bucket: "suite", ...actAs(fake, email), ...fields },
      {
        egress,
        ...platform(fake),
      },
    );
  return {
    name: provider.name,
    service: "fake",
    overrides: GOOGLE_GAPS,
    secrets: [AWS_KEYS.secretAccessKey, AWS_KEYS.sessionToken, "PRIVATE KEY", "ya29."],
    open: () => open(OWNER),
    openMissingBucket: () => open(OWNER, { bucket: "no-such-bucket" }),
    openDenied: () => open(DENIED),
    openBadCredentials: () => open(DISABLED),
    openLister: () => open(LISTER),
    openWriter: () => open(WRITER),
    fail: ({ kind, ...answer }) => {
      const trouble =
        kind === "answer" ? ({ status: 500, ...answer, kind: "error" } as const) : { kind };
      const injected = fake.inject({ ...trouble, on: "list", times: 100 });
      return () => {
        injected.remove();
      };
    },
    seed: (key, body) => {
      fake.putObject("suite", key, body);
      return Promise.resolve();
    },
    clear: () => {
      fake.clearBucket("suite");
      return Promise.resolve();
    },
    openBodies: () => fake.openBodies,
    dispose: async () => {
      await egress.close();
      await fake.close();
    },
  };
}

/** `gcs` on the fake, which checks assertions, tokens and signatures. */
export function gcsFakeHarness(): Promise<DriverHarness> {
  return fakeHarness({
    provider: gcsProvider,
    platform: (fake) => ({ gcp: { endpoints: fake.endpoints } }),
    actAs: (fake, email) => ({ google_application_credentials: fake.keyJson(email) }),
  });
}

/** `gcs_sa` on the fake: the platform acts as the account, IAM signs. */
export function gcsSaFakeHarness(): Promise<DriverHarness> {
  return fakeHarness({
    provider: gcsSaProvider,
    platform: (fake) => ({
      gcp: { credentials: new Secret(fake.keyJson(PLATFORM)), endpoints: fake.endpoints },
    }),
    actAs: (_fake, email) => ({ target_service_account_email: email }),
  });
}

/** `gcswif` on the fake: a signed request to AWS becomes a token of the pool, and that one of the account. */
export function gcswifFakeHarness(): Promise<DriverHarness> {
  return fakeHarness({
    provider: gcswifProvider,
    platform: (fake) => ({
      gcp: { endpoints: fake.endpoints },
      aws: {
        keys: {
          accessKeyId: AWS_KEYS.accessKeyId,
          secretAccessKey: new Secret(AWS_KEYS.secretAccessKey),
          sessionToken: new Secret(AWS_KEYS.sessionToken),
        },
      },
    }),
    actAs: (_fake, email) => ({ google_service_account_email: email, ...POOL_FIELDS }),
  });
}
