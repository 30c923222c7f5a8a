import type { ErrorClass } from "../../driver.ts";
import type { GoogleFailure } from "./google-request.ts";

const INVALID_KEY: ErrorClass = {
  code: "unauthenticated",
  reason: "gcs.invalid_key",
  detail: "Google does not accept the credentials",
  hint: "the key may be deleted or the account disabled: make a new key and enter its JSON; check the clock of this server",
};
/** The guide's row "iam.serviceAccounts.getAccessToken denied". */
const IMPERSONATION_DENIED: ErrorClass = {
  code: "permission_denied",
  reason: "gcs.impersonation_denied",
  detail:
    "permission iam.serviceAccounts.getAccessToken is denied: this platform may not act as the service account",
  hint: "grant roles/iam.serviceAccountTokenCreator on the target service account to this platform's own account (gcswif: roles/iam.workloadIdentityUser to the pool's principal); a new grant takes some minutes",
};
/** The guide's row "404 service account". */
const ACCOUNT_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "gcs.service_account_not_found",
  detail: "Google knows no such service account (404)",
  hint: "check the address of the target service account, its project, and that it is not deleted",
};
const SIGNING_DENIED: ErrorClass = {
  code: "permission_denied",
  reason: "gcs.signing_denied",
  detail: "permission iam.serviceAccounts.signBlob is denied: no URL can be signed",
  hint: "grant roles/iam.serviceAccountTokenCreator on the service account to itself (gcswif) or to this platform's account (gcs_sa), or turn pre-signed URLs off",
};
const API_DISABLED: ErrorClass = {
  code: "invalid_config",
  reason: "gcs.iam_api_disabled",
  detail: "the IAM Service Account Credentials API is off in the project of the service account",
  hint: "turn iamcredentials.googleapis.com on in that project",
};
const POOL_REFUSED: ErrorClass = {
  code: "permission_denied",
  reason: "gcs.federation_denied",
  detail: "the workload identity pool refuses this platform's identity",
  hint: "check the attribute condition of the provider and that it names this platform's AWS account and role",
};
const POOL_INVALID: ErrorClass = {
  code: "invalid_config",
  reason: "gcs.federation_invalid",
  detail: "Google knows no such workload identity provider, or it is disabled",
  hint: "check project number, pool id and provider id, and that the provider is of the kind that this platform's token is for",
};
const NO_PLATFORM_IDENTITY: ErrorClass = {
  code: "invalid_config",
  reason: "gcs.no_platform_identity",
  detail: "this platform has no identity at Google",
  hint: "ask the operator to set GOOGLE_APPLICATION_CREDENTIALS, or to run the platform with a service account",
};

/** What a refusal of an identity service means; undefined where its status says all (429, 5xx). */
export function classifyIdentityFailure(failure: GoogleFailure): ErrorClass | undefined {
  const { service, status } = failure;
  if (status === 429 || status >= 500) return undefined;
  switch (service) {
    case "token":
      return INVALID_KEY;
    case "sts":
    case "aws_sts":
      return status === 403 || failure.says(/attribute condition|rejected/i)
        ? POOL_REFUSED
        : POOL_INVALID;
    case "iam":
      return classifyIamFailure(failure);
    case "metadata":
    case "subject_token":
      return NO_PLATFORM_IDENTITY;
    case "storage":
      return undefined;
  }
}

function classifyIamFailure(failure: GoogleFailure): ErrorClass {
  if (failure.says(/has not been used in project|is disabled/i)) return API_DISABLED;
  if (failure.status === 404) return ACCOUNT_NOT_FOUND;
  return failure.says(/signBlob/) ? SIGNING_DENIED : IMPERSONATION_DENIED;
}
