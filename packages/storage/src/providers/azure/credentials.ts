import type { TokenCredential } from "@azure/identity";
import type { HttpClient } from "@azure/core-rest-pipeline";
import { AppError, Secret } from "@bucketbridge/core";
import type { ErrorClass } from "../../driver.ts";
import type { AzureAmbient, AzurePlatform } from "../provider-deps.ts";
import { classifySignIn, explainError } from "./errors.ts";
import { textOf, toAccountName, type AzureSettings, type AzureSpiSettings } from "./settings.ts";

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

/** What signs a service principal in. */
export interface SignInDeps {
  /** Through the platform's egress: the login hosts are on its list, a user cannot name one. */
  readonly httpClient: HttpClient;
  readonly azure: AzurePlatform;
}

/**
 * Tokens of a service principal, cached by the SDK until shortly before they expire. Its errors have lost what the network or the
 * login host said: what was seen on the way is thrown, or noted with them, instead.
 */
export async function signIn(
  principal: ServicePrincipal,
  { httpClient, azure }: SignInDeps,
): Promise<TokenCredential> {
  const { ClientSecretCredential } = await import("@azure/identity");
  const { observed, seen } = observe(httpClient);
  const { tenantId, clientId, clientSecret } = principal;
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret.reveal(), {
    httpClient: observed,
    // The retry decorator repeats the whole call.
    retryOptions: { maxRetries: 0 },
    ...(azure.authorityHost === undefined
      ? {}
      : // Else the SDK asks the public cloud whether the host is one of Microsoft's.
        { authorityHost: azure.authorityHost, disableInstanceDiscovery: true }),
  });
  return {
    async getToken(scopes, options) {
      seen.networkError = undefined;
      seen.refusal = undefined;
      try {
        return await credential.getToken(scopes, options);
      } catch (error) {
        throw toCause(error, seen);
      }
    },
  };
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
