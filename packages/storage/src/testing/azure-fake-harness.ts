import {
  startAzureFake,
  type AzureAccount,
  type AzureFake,
  type AzurePermission,
} from "@bucketbridge/testkit/azure-fake";
import { startEntraFake, type EntraFake } from "@bucketbridge/testkit/entra-fake";
import { makeSelfSignedCertificate, trustCertificate } from "@bucketbridge/testkit/self-signed";
import type { StorageDriver } from "../driver.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import type { AzurePlatform } from "../providers/provider-deps.ts";
import { AZURE_NAMES, openAzure, type AzureType } from "./azure-harness.ts";
import type { DriverHarness } from "./harness.ts";

const EVERYTHING: readonly AzurePermission[] = ["list", "read", "write", "delete", "delegate"];
const toKey = (text: string): string => Buffer.from(text).toString("base64");

/** Accounts that the fake of `startAzureStand` knows; the second takes no keys. */
export const OWNER_ACCOUNT: AzureAccount = { name: "owneraccount", key: toKey("the owner's key") };
export const KEYLESS_ACCOUNT: AzureAccount = {
  name: "keylessaccount",
  key: toKey("a key that is turned off"),
  allowsKeys: false,
};

/** A wrong key of the owner's account. */
export const WRONG_KEY = toKey("a wrong key");

const TENANT = "33333333-3333-4333-8333-333333333333";

/** App registrations that the fakes know, by what they may do. */
export const APPS = {
  owner: { clientId: "44444444-4444-4444-8444-444444444444", allow: EVERYTHING },
  nobody: { clientId: "55555555-5555-4555-8555-555555555555", allow: [] },
  lister: { clientId: "66666666-6666-4666-8666-666666666666", allow: ["list"] },
  writer: { clientId: "77777777-7777-4777-8777-777777777777", allow: ["write"] },
} as const satisfies Readonly<
  Record<string, { readonly clientId: string; readonly allow: readonly AzurePermission[] }>
>;

/** The secret of every app, and one that is over. */
const CLIENT_SECRET = "client-secret~with.signs";
export const EXPIRED_SECRET = "expired-secret";

/** Azure and its login host in this process, and the way there. */
export interface AzureStand {
  readonly fake: AzureFake;
  /** Undefined for `azure`, which needs none. */
  readonly entra: EntraFake | undefined;
  readonly egress: Egress;
  readonly azure: AzurePlatform;
  /** Opens a driver on the container `suite`, as the owner unless `fields` say otherwise. */
  open(fields?: Record<string, unknown>): Promise<StorageDriver>;
  close(): Promise<void>;
}

/** Starts what one of the types needs, with a container `suite`. */
export async function startAzureStand(
  type: AzureType,
  options: { readonly tokenSeconds?: number; readonly now?: () => number } = {},
): Promise<AzureStand> {
  const certificate = makeSelfSignedCertificate();
  trustCertificate(certificate.cert);
  const isToken = type === "azure_spi";
  const fake = await startAzureFake({
    accounts: [OWNER_ACCOUNT, KEYLESS_ACCOUNT],
    containers: ["suite"],
    identities: Object.values(APPS),
    now: options.now,
    ...(isToken ? { certificate } : {}),
  });
  const entra = isToken ? await startEntra(certificate, options.tokenSeconds) : undefined;
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const azure = { blobEndpoint: fake.blobEndpoint, authorityHost: entra?.authorityHost };
  return {
    fake,
    entra,
    egress,
    azure,
    open: (fields = {}) =>
      openAzure(
        type,
        {
          container: "suite",
          ...(isToken ? toAppFields("owner") : toKeyFields(OWNER_ACCOUNT)),
          ...fields,
        },
        { egress, azure },
      ),
    close: async () => {
      await egress.close();
      await fake.close();
      await entra?.close();
    },
  };
}

function startEntra(
  certificate: Parameters<typeof startEntraFake>[0]["certificate"],
  tokenSeconds: number | undefined,
): Promise<EntraFake> {
  const apps = Object.values(APPS).map(({ clientId }) => ({
    tenantId: TENANT,
    clientId,
    clientSecret: CLIENT_SECRET,
    expiredSecret: EXPIRED_SECRET,
  }));
  return startEntraFake({ apps, certificate, tokenSeconds });
}

/** The fields of the wire for an account. */
export function toKeyFields({ name, key }: AzureAccount): Record<string, unknown> {
  return { account_name: name, account_key: key };
}

/** The fields of the wire for an app registration on the owner's account. */
export function toAppFields(app: keyof typeof APPS): Record<string, unknown> {
  return {
    account_name: OWNER_ACCOUNT.name,
    tenant_id: TENANT,
    client_id: APPS[app].clientId,
    client_secret: CLIENT_SECRET,
  };
}

/** The driver on the fake, which has all kinds of refusals. */
export async function azureFakeHarness(type: AzureType): Promise<DriverHarness> {
  const stand = await startAzureStand(type);
  const { fake } = stand;
  const open = (fields: Record<string, unknown> = {}): Promise<StorageDriver> => stand.open(fields);
  return {
    name: type,
    service: "fake",
    overrides: AZURE_NAMES,
    secrets: [OWNER_ACCOUNT.key, KEYLESS_ACCOUNT.key, WRONG_KEY, CLIENT_SECRET, "wrong-secret"],
    open: () => open(),
    openMissingBucket: () => open({ container: "no-such-container" }),
    openDenied: () => open(type === "azure" ? toKeyFields(KEYLESS_ACCOUNT) : toAppFields("nobody")),
    openBadCredentials: () =>
      open(type === "azure" ? { account_key: WRONG_KEY } : { client_secret: "wrong-secret" }),
    fail: (fault) => {
      const { kind } = fault;
      const trouble =
        kind === "answer" ? ({ ...fault, kind: "error", code: "Trouble" } as const) : { kind };
      fake.inject({ ...trouble, on: "list", times: 100 });
      return () => {
        fake.clearFaults();
      };
    },
    // A key may do everything.
    ...(type === "azure"
      ? {}
      : {
          openLister: () => open(toAppFields("lister")),
          openWriter: () => open(toAppFields("writer")),
        }),
    seed: (key, body) => {
      fake.putBlob("suite", key, body);
      return Promise.resolve();
    },
    clear: () => {
      fake.clearContainer("suite");
      return Promise.resolve();
    },
    openBodies: () => fake.openBodies,
    dispose: () => stand.close(),
  };
}
