import { readFile } from "node:fs/promises";
import { AppError } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { findPlatformAwsKeys } from "../platform-aws-keys.ts";
import type { GcpSubjectToken, PlatformAccess, StorageContext } from "../provider-deps.ts";
import { signCallerIdentity } from "./aws-subject-token.ts";
import { endpointsOf } from "./endpoints.ts";
import { malformedAnswer, readText, requestJson, sendRequest } from "./google-request.ts";
import { SCOPES, type GoogleIdentity } from "./identity.ts";
import { toAccessToken } from "./service-account-key.ts";
import { TokenCache } from "../token-cache.ts";

/** Which pool the platform shows its identity to. */
export interface PoolProvider {
  readonly projectNumber: string;
  readonly poolId: string;
  readonly providerId: string;
}

/** What is shown: for AWS the customer's pool checks who called, for OIDC who issued. */
interface SubjectToken {
  readonly token: string;
  readonly type: string;
}

const AWS_REQUEST = "urn:ietf:params:aws:token-type:aws4_request";
const OIDC_TOKEN = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

/** An OIDC token has some 1,500 bytes. */
const MAX_TOKEN_BYTES = 64 * 1024;

/** The platform as a customer's pool knows it. Its tokens are good for impersonation only. */
export function federatedIdentity(
  platform: PlatformAccess,
  pool: PoolProvider,
  context: Pick<StorageContext, "organizationExternalId">,
): Pick<GoogleIdentity, "token"> {
  const audience = toAudience(pool);
  const { subjectToken = { kind: "aws" } } = platform.gcp;
  const cache = new TokenCache(async (signal) => {
    const subject = await getSubjectToken(subjectToken, platform, { audience, context, signal });
    return toAccessToken(await exchange(platform, { subject, audience, signal }));
  });
  return { token: (signal, refused) => cache.get(signal, refused) };
}

function toAudience({ projectNumber, poolId, providerId }: PoolProvider): string {
  return `//iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}/providers/${providerId}`;
}

function exchange(
  { egress, gcp }: PlatformAccess,
  {
    subject,
    audience,
    signal,
  }: { readonly subject: SubjectToken; readonly audience: string; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, unknown>>> {
  return requestJson(egress, {
    service: "sts",
    method: "POST",
    url: endpointsOf(gcp).sts,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: EXCHANGE,
      audience,
      scope: SCOPES.cloud,
      requested_token_type: ACCESS_TOKEN,
      subject_token_type: subject.type,
      subject_token: subject.token,
    }).toString(),
    signal,
  });
}

interface SubjectRequest {
  readonly audience: string;
  readonly context: Pick<StorageContext, "organizationExternalId">;
  readonly signal: AbortSignal;
}

async function getSubjectToken(
  source: GcpSubjectToken,
  platform: PlatformAccess,
  { audience, context, signal }: SubjectRequest,
): Promise<SubjectToken> {
  switch (source.kind) {
    case "aws": {
      const sessionName = context.organizationExternalId;
      const keys = await findPlatformAwsKeys(platform, {
        session:
          source.roleArn === undefined ? undefined : { roleArn: source.roleArn, sessionName },
        signal,
      });
      const region = platform.aws.region ?? "us-east-1";
      return { token: signCallerIdentity(keys, { region, audience }), type: AWS_REQUEST };
    }
    case "file":
      return { token: await readTokenFile(source.path, signal), type: OIDC_TOKEN };
    case "url":
      return { token: await fetchToken(platform.egress, source.url, signal), type: OIDC_TOKEN };
  }
}

async function readTokenFile(path: string, signal: AbortSignal): Promise<string> {
  try {
    return (await readFile(path, { encoding: "utf8", signal })).trim();
  } catch (cause) {
    signal.throwIfAborted();
    throw new AppError({
      code: "invalid_config",
      reason: "gcs.subject_token",
      message:
        "the file with this platform's token for workload identity federation cannot be read; ask the operator to check BUCKETBRIDGE_GCP_SUBJECT_TOKEN_FILE",
      cause,
    });
  }
}

async function fetchToken(egress: Egress, url: string, signal: AbortSignal): Promise<string> {
  const { body } = await sendRequest(egress, {
    service: "subject_token",
    method: "GET",
    url,
    signal,
  });
  const token = await readText(body, MAX_TOKEN_BYTES);
  if (token === undefined) throw malformedAnswer("the token of the platform is too large");
  return token.trim();
}
