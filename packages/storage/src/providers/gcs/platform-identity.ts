import { AppError, isAppError } from "@bucketbridge/core";
import type { PlatformAccess } from "../provider-deps.ts";
import { endpointsOf } from "./endpoints.ts";
import {
  GoogleFailure,
  malformedAnswer,
  readText,
  requestJson,
  sendRequest,
} from "./google-request.ts";
import { SCOPES, type GoogleIdentity, type UrlSigner } from "./identity.ts";
import { remoteSigner } from "./impersonation.ts";
import { keyIdentity, parseGoogleKey, toAccessToken } from "./service-account-key.ts";
import { TokenCache } from "../token-cache.ts";

const ACCOUNT_PATH = "/computeMetadata/v1/instance/service-accounts/default";
/** Without it the metadata server answers nobody: a forged request of a browser cannot set it. */
const FLAVOR = { "metadata-flavor": "Google" };
const MAX_EMAIL_BYTES = 1_024;

/**
 * The platform's own identity at Google (application default credentials): the operator's JSON, else the account that the
 * machine or pod runs as. All its requests leave through the platform's egress.
 */
export function platformIdentity(platform: PlatformAccess, scope: string): GoogleIdentity {
  const { egress, gcp } = platform;
  if (gcp.credentials === undefined) return machineIdentity(platform, scope);
  const tokenUrl = endpointsOf(gcp).token;
  return keyIdentity(parseGoogleKey(gcp.credentials.reveal()), { egress, tokenUrl, scope });
}

function machineIdentity(platform: PlatformAccess, scope: string): GoogleIdentity {
  const tokens = machineTokens(platform, scope);
  const signing = machineTokens(platform, SCOPES.iam);
  let signer: UrlSigner | undefined;
  return {
    token: (signal, refused) => tokens.get(signal, refused),
    signer: async (signal) => {
      signer ??= remoteSigner({
        by: { token: (ending, refused) => signing.get(ending, refused) },
        email: await asIdentity(() => findEmail(platform, signal)),
        egress: platform.egress,
        iamUrl: endpointsOf(platform.gcp).iamCredentials,
      });
      return signer;
    },
  };
}

function machineTokens({ egress, gcp }: PlatformAccess, scope: string): TokenCache {
  const url = `${endpointsOf(gcp).metadata}${ACCOUNT_PATH}/token?scopes=${encodeURIComponent(scope)}`;
  return new TokenCache((signal) =>
    asIdentity(async () =>
      toAccessToken(
        await requestJson(egress, {
          service: "metadata",
          method: "GET",
          url,
          headers: FLAVOR,
          signal,
        }),
      ),
    ),
  );
}

/** Elsewhere than at Google the name of the metadata server does not exist. */
async function asIdentity<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!isAppError(cause, "invalid_input")) throw cause;
    throw new AppError({
      code: "invalid_config",
      reason: "gcs.no_platform_identity",
      message:
        "this platform has no identity at Google; ask the operator to set GOOGLE_APPLICATION_CREDENTIALS, or to run it with a service account",
      cause,
    });
  }
}

async function findEmail({ egress, gcp }: PlatformAccess, signal: AbortSignal): Promise<string> {
  const { body, status, headers } = await sendRequest(egress, {
    service: "metadata",
    method: "GET",
    url: `${endpointsOf(gcp).metadata}${ACCOUNT_PATH}/email`,
    headers: FLAVOR,
    signal,
  });
  const email = await readText(body, MAX_EMAIL_BYTES);
  if (email === undefined) throw malformedAnswer("the account's address is too long");
  if (email.trim() === "") throw new GoogleFailure("metadata", { status, headers }, "");
  return email.trim();
}
