import { AppError, isAppError } from "@bucketbridge/core";
import type { ErrorClass } from "../../driver.ts";
import { classifyFailure } from "../../failure.ts";
import { lookUp } from "../look-up.ts";
import { answerOf, classifyS3Error } from "./errors.ts";

/** Whose call failed. */
export interface StsCaller {
  readonly roleArn: string;
  /** Whom a trust policy would have to name, as far as it is known. */
  readonly principalArn: string | undefined;
  /** Undefined: none was sent. */
  readonly externalId: string | undefined;
  /** The storage brings the key pair that assumes the role. */
  readonly hasOwnKeys?: boolean;
}

const OPERATOR_KEYS: ErrorClass = {
  code: "invalid_config",
  reason: "s3s.platform_credentials",
  detail: "AWS does not accept the credentials of this installation's own principal",
  hint: "the operator of this installation has to renew them",
};
const OWN_KEYS: ErrorClass = {
  code: "unauthenticated",
  reason: "s3.invalid_access_key",
  detail: "AWS does not accept the access key of this storage",
  hint: "enter key id, secret and session token again, or leave them empty: the role then has to trust this installation's principal",
};
const OPERATOR_TOKEN: ErrorClass = {
  code: "invalid_config",
  reason: "s3s.web_identity",
  detail: "AWS does not accept the web identity token of this installation",
  hint: "the operator has to check AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE and the identity provider of the cluster",
};
const BAD_POLICY: ErrorClass = {
  code: "invalid_config",
  reason: "s3s.session_policy",
  detail: "AWS does not take the session policy that limits the access to bucket and prefix",
  hint: "check the bucket's name and shorten the prefix",
};
const NO_ROLE: ErrorClass = {
  code: "invalid_config",
  reason: "s3s.role_not_found",
  detail: "there is no such role",
  hint: "check role_arn",
};

/** Codes of STS, with those of Ceph where they differ. What is not here is read like an error of S3. */
const BY_STS_CODE: Readonly<Record<string, ErrorClass>> = {
  InvalidClientTokenId: OPERATOR_KEYS,
  InvalidAccessKeyId: OPERATOR_KEYS,
  UnrecognizedClientException: OPERATOR_KEYS,
  SignatureDoesNotMatch: OPERATOR_KEYS,
  IncompleteSignature: OPERATOR_KEYS,
  ExpiredToken: OPERATOR_KEYS,
  ExpiredTokenException: OPERATOR_TOKEN,
  InvalidIdentityToken: OPERATOR_TOKEN,
  IDPRejectedClaim: OPERATOR_TOKEN,
  IDPCommunicationError: { ...OPERATOR_TOKEN, code: "unavailable" },
  PackedPolicyTooLarge: BAD_POLICY,
  MalformedPolicyDocument: BAD_POLICY,
  NoSuchEntity: NO_ROLE,
  NoSuchRole: NO_ROLE,
  RegionDisabledException: {
    code: "invalid_config",
    reason: "s3s.region_disabled",
    detail:
      "STS is switched off in the region that this installation uses, in the account of the role",
    hint: "activate STS for the region in the account settings of IAM, or the operator sets another AWS_REGION",
  },
  ValidationError: {
    code: "invalid_config",
    reason: "s3s.invalid_request",
    detail: "AWS does not take the request for the role",
    hint: "check role_arn",
  },
};

/** What STS or the way to it refused, in words for the person who connects the storage. Its own errors pass. */
export function toStsError(error: unknown, caller: StsCaller): unknown {
  const { s3Code = "" } = answerOf(error);
  if (s3Code === "AccessDenied") return trustRefusal(error, caller);
  const listed = lookUp(BY_STS_CODE, s3Code);
  const own = listed === OPERATOR_KEYS && caller.hasOwnKeys === true ? OWN_KEYS : listed;
  const known = own ?? classifyFailure({ classifyError: classifyS3Error }, error);
  if (known === undefined || (own === undefined && isAppError(error))) return error;
  const said = own === undefined ? `AWS STS: ${known.detail ?? "no answer"}` : (own.detail ?? "");
  const hint = own?.hint === undefined ? "" : `; ${own.hint}`;
  return new AppError({
    code: known.code,
    reason: own?.reason ?? "s3s.sts",
    message: `could not assume the role ${caller.roleArn}: ${said}${hint}`,
    context: { roleArn: caller.roleArn, stsCode: s3Code },
    retryAfterMs: known.retryAfterMs,
    cause: error,
  });
}

/** As `toStsError`, for the question who one is. */
export function toCallerError(error: unknown): unknown {
  const { s3Code = "" } = answerOf(error);
  const known =
    lookUp(BY_STS_CODE, s3Code) ?? classifyFailure({ classifyError: classifyS3Error }, error);
  if (known === undefined || isAppError(error)) return error;
  return new AppError({
    code: known.code,
    reason: known.reason ?? "s3s.sts",
    message: `AWS STS does not say who this installation is: ${known.detail ?? "no answer"}`,
    cause: error,
  });
}

/** AWS answers the same for a role that does not exist. */
function trustRefusal(cause: unknown, caller: StsCaller): AppError {
  const { roleArn, principalArn = "this installation's principal (GET /api/v1/platform)" } = caller;
  const condition =
    caller.externalId === undefined
      ? ""
      : ` with the condition StringEquals sts:ExternalId "${caller.externalId}"`;
  return new AppError({
    code: "unauthenticated",
    reason: "s3s.role_refused",
    message: `AWS does not let us assume the role ${roleArn}: the role does not exist, or its trust policy does not allow sts:AssumeRole to ${principalArn}${condition}`,
    context: { roleArn, principalArn, externalId: caller.externalId },
    cause,
  });
}
