import type { HttpClient } from "@azure/core-rest-pipeline";
import { AppError, Secret } from "@bucketbridge/core";
import type { ErrorClass } from "../../driver.ts";
import type { AzureAmbient, ProviderDeps } from "../provider-deps.ts";
import { TokenCache } from "../token-cache.ts";
import { classifySignIn, explainError } from "./errors.ts";
import { createHttpClient } from "./http-client.ts";
import { textOf, toAccountName, type AzureSettings, type AzureSpiSettings } from "./settings.ts";

/** Azure's public cloud. */
const DEFAULT_ENDPOINT = "https://{account}.blob.core.windows.net";

/** Where the blobs of an account are: at the operator's endpoint for all accounts, else in the public cloud. */
export function accountUrlOf(
  accountName: string,
  { platform }: Pick<ProviderDeps, "platform">,
): string {
  const endpoint = platform.azure.blobEndpoint ?? DEFAULT_ENDPOINT;
  return endpoint.replaceAll("{account}", accountName).replace(/\/+$/, "");
}

/** An account and its key. */
export interface AccountKey {
  readonly accountName: string;
  /** Base64. */
  readonly accountKey: Secret;
}

/** An app registration and the account that it may use. */
export interface ServicePrincipal {
  readonly accountName: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
}

/** The contract's sentence (ls-api §7.6). */
const NO_ACCOUNT_KEY =
  "Azure account name and key must be set using environment variables AZURE_BLOB_ACCOUNT_NAME and AZURE_BLOB_ACCOUNT_KEY or account_name and account_key fields.";
const NO_PRINCIPAL =
  "Azure account name must be set using environment variable AZURE_BLOB_ACCOUNT_NAME or account_name field, and tenant id, client id and client secret using AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or tenant_id, client_id and client_secret fields.";

/**
 * The key of a storage: its own, or the operator's where the caller offers `ambient`. The operator's key never signs for an
 * account that a user named. Throws `invalid_config` where there is none.
 */
export function resolveAccountKey(settings: AzureSettings, ambient: AzureAmbient): AccountKey {
  const named = accountOf(settings.account_name);
  const accountName = named ?? ambient.accountName;
  const ownKey = textOf(settings.account_key);
  const isOperatorsAccount = accountName === ambient.accountName;
  const accountKey =
    ownKey === undefined
      ? isOperatorsAccount
        ? ambient.accountKey
        : undefined
      : new Secret(ownKey);
  if (accountName === undefined || accountKey === undefined) {
    throw new AppError({
      code: "invalid_config",
      reason: "azure.no_credentials",
      message: NO_ACCOUNT_KEY,
    });
  }
  if (!isBase64(accountKey.reveal())) {
    throw new AppError({
      code: "invalid_config",
      reason: "azure.invalid_key",
      message:
        "Incorrect padding: the account key is not base64; copy it from the portal once more",
    });
  }
  return { accountName, accountKey };
}

/** As `resolveAccountKey`, for `azure_spi`: the operator's secret is used only with the operator's own app registration. */
export function resolveServicePrincipal(
  settings: AzureSpiSettings,
  ambient: AzureAmbient,
): ServicePrincipal {
  const accountName = accountOf(settings.account_name) ?? ambient.accountName;
  const tenantId = textOf(settings.tenant_id) ?? ambient.tenantId;
  const clientId = textOf(settings.client_id) ?? ambient.clientId;
  const ownSecret = textOf(settings.client_secret);
  const isOperatorsApp = tenantId === ambient.tenantId && clientId === ambient.clientId;
  const clientSecret =
    ownSecret === undefined
      ? isOperatorsApp
        ? ambient.clientSecret
        : undefined
      : new Secret(ownSecret);
  if (
    accountName === undefined ||
    tenantId === undefined ||
    clientId === undefined ||
    clientSecret === undefined
  ) {
    throw new AppError({
      code: "invalid_config",
      reason: "azure.no_credentials",
      message: NO_PRINCIPAL,
    });
  }
  return { accountName, tenantId, clientId, clientSecret };
}

/** Azure Storage, the same in all clouds. */
const SCOPE = "https://storage.azure.com/.default";

/**
 * Tokens of a service principal, got through the platform's egress: the login hosts are on its list, a user cannot name one.
 * Kept here and not by the SDK's pipeline, which renews a token while nobody waits for it and throws a refusal at the process.
 * Its errors have lost what the network or the login host said: what was seen on the way is thrown, or noted with them, instead.
 */
export async function signIn(
  principal: ServicePrincipal,
  { platform }: Pick<ProviderDeps, "platform">,
): Promise<TokenCache> {
  const { ClientSecretCredential } = await import("@azure/identity");
  const { observed, seen } = observe(await createHttpClient(platform.egress));
  const { tenantId, clientId, clientSecret } = principal;
  const { authorityHost } = platform.azure;
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret.reveal(), {
    httpClient: observed,
    // The retry decorator repeats the whole call.
    retryOptions: { maxRetries: 0 },
    ...(authorityHost === undefined
      ? {}
      : // Else the SDK asks the public cloud whether the host is one of Microsoft's.
        { authorityHost, disableInstanceDiscovery: true }),
  });
  return new TokenCache(async (abortSignal) => {
    seen.networkError = undefined;
    seen.refusal = undefined;
    try {
      const { token, expiresOnTimestamp } = await credential.getToken(SCOPE, { abortSignal });
      return { token, expiresAt: expiresOnTimestamp };
    } catch (error) {
      throw abortSignal.aborted ? abortSignal.reason : toCause(error, seen);
    }
  });
}

interface Seen {
  networkError: unknown;
  refusal: ErrorClass | undefined;
}

function toCause(error: unknown, { networkError, refusal }: Seen): unknown {
  if (networkError !== undefined) return networkError;
  return refusal === undefined ? error : explainError(error, refusal);
}

function observe(httpClient: HttpClient): { readonly observed: HttpClient; readonly seen: Seen } {
  const seen: Seen = { networkError: undefined, refusal: undefined };
  return {
    seen,
    observed: {
      async sendRequest(request) {
        try {
          const response = await httpClient.sendRequest(request);
          if (response.status >= 400) seen.refusal = classifySignIn(response);
          return response;
        } catch (error) {
          seen.networkError = error;
          throw error;
        }
      },
    },
  };
}

function accountOf(value: string | null | undefined): string | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : toAccountName(text);
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}
