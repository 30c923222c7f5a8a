import { AppError } from "@bucketbridge/core";
import { mayUseAmbient, type ProviderDeps, type StorageContext } from "../provider-deps.ts";
import { endpointsOf } from "./endpoints.ts";
import { federatedIdentity, type PoolProvider } from "./federation.ts";
import { parseObject } from "./google-request.ts";
import { SCOPES, type GoogleIdentity } from "./identity.ts";
import { impersonate } from "./impersonation.ts";
import { platformIdentity } from "./platform-identity.ts";
import { keyIdentity, parseGoogleKey } from "./service-account-key.ts";
import { textOf, type GcsSaSettings, type GcsSettings, type GcswifSettings } from "./settings.ts";

/** Where Google's storage is, without a final slash: the public service unless the operator named another. */
export function storageUrlOf({ platform }: Pick<ProviderDeps, "platform">): string {
  return endpointsOf(platform.gcp).storage;
}

/** What identities are made with. */
export type IdentityDeps = Pick<ProviderDeps, "egress" | "ambient" | "platform">;

/**
 * The identity of a `gcs` storage: its own key, else the platform's where `mayUseAmbient` says so. Throws `invalid_config` with
 * the contract's sentences for a key that cannot be used, and where there is none.
 */
export function gcsIdentity(
  settings: GcsSettings,
  deps: IdentityDeps,
  context: StorageContext,
): GoogleIdentity {
  const json = textOf(settings.google_application_credentials);
  const scope = scopeOf(context);
  if (json !== undefined) {
    const tokenUrl = endpointsOf(deps.platform.gcp).token;
    return keyIdentity(parseGoogleKey(json), { egress: deps.egress, tokenUrl, scope });
  }
  if (mayUseAmbient(deps.ambient, context, textOf(settings.bucket)))
    return platformIdentity(deps.platform, scope);
  throw new AppError({
    code: "invalid_config",
    reason: "gcs.no_credentials",
    message:
      "Google Application Credentials must be set: this platform's own identity is not for the buckets of others; enter the JSON of a service account's key",
  });
}

/**
 * The identity of a `gcs_sa` storage: the service account that the user names, as which the platform acts. Nothing at Google
 * tells the platform's customers apart, so among several organisations the operator lists the buckets for which this is allowed.
 */
export function gcsSaIdentity(
  settings: GcsSaSettings,
  { ambient, platform }: IdentityDeps,
  context: StorageContext,
): GoogleIdentity {
  const email = required(settings.target_service_account_email, "target_service_account_email");
  if (!mayUseAmbient(ambient, context, textOf(settings.bucket))) throw notIsolated();
  return impersonate({
    source: platformIdentity(platform, SCOPES.iam),
    email,
    scopes: [scopeOf(context)],
    egress: platform.egress,
    iamUrl: endpointsOf(platform.gcp).iamCredentials,
    signAs: "source",
  });
}

/** The identity of a `gcswif` storage: the service account that the customer's pool lets the platform act as. */
export function gcswifIdentity(
  settings: GcswifSettings,
  { ambient, platform }: IdentityDeps,
  context: StorageContext,
): GoogleIdentity {
  refuseExternalAccount(textOf(settings.google_application_credentials));
  const pool = readPool(settings);
  const email = required(settings.google_service_account_email, "google_service_account_email");
  const { subjectToken = { kind: "aws" } } = platform.gcp;
  const isOwnSession = subjectToken.kind === "aws" && subjectToken.roleArn !== undefined;
  if (!isOwnSession && !mayUseAmbient(ambient, context, textOf(settings.bucket)))
    throw notIsolated();
  return impersonate({
    source: federatedIdentity(platform, pool, context),
    email,
    scopes: [scopeOf(context), SCOPES.iam],
    egress: platform.egress,
    iamUrl: endpointsOf(platform.gcp).iamCredentials,
    signAs: "target",
  });
}

function readPool(settings: GcswifSettings): PoolProvider {
  return {
    projectNumber: required(settings.google_project_number, "google_project_number"),
    poolId: required(settings.google_wif_pool_id, "google_wif_pool_id"),
    providerId: required(settings.google_wif_provider_id, "google_wif_provider_id"),
  };
}

/** A source is only read. */
function scopeOf({ direction }: StorageContext): string {
  return direction === "source" ? SCOPES.read : SCOPES.write;
}

/** The file that Google offers for a pool names addresses and files of its maker's choice. */
function refuseExternalAccount(json: string | undefined): void {
  if (json === undefined || parseObject(json)?.["type"] !== "external_account") return;
  throw new AppError({
    code: "invalid_config",
    reason: "gcs.invalid_credentials",
    message:
      "Google Application Credentials of type external_account are not accepted; leave them empty and fill in project number, pool, provider and service account",
  });
}

function required(value: string | null | undefined, name: string): string {
  const text = textOf(value);
  if (text !== undefined) return text;
  throw new AppError({
    code: "invalid_config",
    reason: "gcs.setting_missing",
    message: `${name} must be set`,
  });
}

function notIsolated(): AppError {
  return new AppError({
    code: "permission_denied",
    reason: "gcs.not_isolated",
    message:
      "this platform serves several organisations and Google cannot tell them apart: ask the operator to allow the bucket (BUCKETBRIDGE_AMBIENT_BUCKETS), or for gcswif to set BUCKETBRIDGE_GCP_AWS_ROLE_ARN",
  });
}
