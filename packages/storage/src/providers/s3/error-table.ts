import type { ErrorClass } from "../../driver.ts";

/** A request that went to another region than the bucket's. */
export const WRONG_REGION: ErrorClass = {
  code: "invalid_config",
  reason: "s3.wrong_region",
  detail: "the bucket is in another region",
  hint: "set the region of the bucket",
};

const BUCKET_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "s3.bucket_not_found",
  detail: "the bucket does not exist",
  hint: "check the name of the bucket, its region and the endpoint",
};
const KEY_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "s3.key_not_found",
  detail: "the object does not exist",
};
const ACCESS_DENIED: ErrorClass = {
  code: "permission_denied",
  reason: "s3.access_denied",
  detail: "the credentials are known, but may not do this",
  hint: "a source needs s3:ListBucket on the bucket and s3:GetObject on its objects, a target s3:PutObject and, to delete, s3:DeleteObject",
};
const EXPIRED_TOKEN: ErrorClass = {
  code: "unauthenticated",
  reason: "s3.expired_token",
  detail: "the session of the credentials has expired",
  hint: "enter a new key pair and session token",
};
const INVALID_TOKEN: ErrorClass = {
  code: "unauthenticated",
  reason: "s3.invalid_token",
  detail: "the store does not accept the session token",
  hint: "a session token works only with the key pair that it was issued with",
};
const SLOW_DOWN: ErrorClass = {
  code: "rate_limited",
  reason: "s3.slow_down",
  detail: "the store asks for fewer requests",
};
const UNAVAILABLE: ErrorClass = {
  code: "unavailable",
  reason: "s3.unavailable",
  detail: "the store cannot answer now",
};
const PRECONDITION: ErrorClass = {
  code: "precondition_failed",
  detail: "the object has changed meanwhile",
};
const WRITE_CONFLICT: ErrorClass = {
  code: "conflict",
  detail: "somebody else is writing the object",
};
const INVALID_KEY: ErrorClass = {
  code: "invalid_input",
  reason: "s3.invalid_key",
  detail: "the store does not take this key",
};
const INVALID_RANGE: ErrorClass = {
  code: "invalid_input",
  reason: "s3.invalid_range",
  detail: "the range lies behind the end of the object",
};
const KMS_KEY: ErrorClass = {
  code: "invalid_config",
  reason: "s3.kms_key",
  detail: "the encryption key cannot be used",
  hint: "check aws_sse_kms_key_id and that the credentials may use the key",
};
const ARCHIVED: ErrorClass = {
  code: "unsupported",
  reason: "s3.archived",
  detail: "the object is archived",
  hint: "restore it from its storage class first",
};
const UNREACHABLE: ErrorClass = {
  code: "unavailable",
  reason: "s3.unreachable",
  detail: "the endpoint does not take connections",
  hint: "check the endpoint's host and port and that the server runs",
};
const CONNECTION_LOST: ErrorClass = {
  code: "unavailable",
  reason: "s3.connection_lost",
  detail: "the connection was lost",
};
const TIMEOUT: ErrorClass = {
  code: "timeout",
  reason: "s3.timeout",
  detail: "the store did not answer in time",
};
const CERTIFICATE: ErrorClass = {
  code: "invalid_config",
  reason: "s3.certificate",
  detail: "the certificate of the endpoint is not trusted",
  hint: "use the name that the certificate is for, and a certificate of an authority that this server trusts",
};
const PROTOCOL: ErrorClass = {
  code: "invalid_config",
  reason: "s3.protocol",
  detail: "the endpoint speaks another protocol",
  hint: "check http:// or https:// and the port of the endpoint",
};

const STORAGE_FULL: ErrorClass = {
  code: "unavailable",
  reason: "s3.storage_full",
  detail: "the store has no room left",
  hint: "free some space in the store or raise the quota",
};

/** S3's own codes, with those of MinIO and Ceph where they differ. */
export const BY_S3_CODE: Readonly<Record<string, ErrorClass>> = {
  NoSuchBucket: BUCKET_NOT_FOUND,
  NoSuchKey: KEY_NOT_FOUND,
  // A HEAD's 404 does not say whether bucket or key is missing; whoever asks for one key means the key.
  NotFound: KEY_NOT_FOUND,
  NoSuchVersion: KEY_NOT_FOUND,
  AccessDenied: ACCESS_DENIED,
  AllAccessDisabled: ACCESS_DENIED,
  AccountProblem: ACCESS_DENIED,
  InvalidAccessKeyId: {
    code: "unauthenticated",
    reason: "s3.invalid_access_key",
    detail: "the store does not know the access key id",
    hint: "check the access key id and that the key is active",
  },
  SignatureDoesNotMatch: {
    code: "unauthenticated",
    reason: "s3.signature_mismatch",
    detail: "the secret access key does not belong to the access key id",
    hint: "enter both again",
  },
  ExpiredToken: EXPIRED_TOKEN,
  TokenRefreshRequired: EXPIRED_TOKEN,
  InvalidToken: INVALID_TOKEN,
  InvalidTokenId: INVALID_TOKEN,
  InvalidSecurity: INVALID_TOKEN,
  RequestTimeTooSkewed: {
    code: "unauthenticated",
    reason: "s3.clock_skew",
    detail: "the clock of this server differs from the store's",
    hint: "set the clock of this server",
  },
  PermanentRedirect: WRONG_REGION,
  TemporaryRedirect: WRONG_REGION,
  AuthorizationHeaderMalformed: WRONG_REGION,
  IllegalLocationConstraintException: WRONG_REGION,
  InvalidBucketName: {
    code: "invalid_config",
    reason: "s3.invalid_bucket_name",
    detail: "the store does not take this name for a bucket",
    hint: "check the name of the bucket",
  },
  PreconditionFailed: PRECONDITION,
  ConditionalRequestConflict: WRITE_CONFLICT,
  OperationAborted: WRITE_CONFLICT,
  InvalidRange: INVALID_RANGE,
  KeyTooLongError: INVALID_KEY,
  XMinioInvalidObjectName: INVALID_KEY,
  XMinioInvalidResourceName: INVALID_KEY,
  InvalidObjectState: ARCHIVED,
  SlowDown: SLOW_DOWN,
  SlowDownRead: SLOW_DOWN,
  SlowDownWrite: SLOW_DOWN,
  Throttling: SLOW_DOWN,
  ThrottlingException: SLOW_DOWN,
  RequestLimitExceeded: SLOW_DOWN,
  BandwidthLimitExceeded: SLOW_DOWN,
  TooManyRequests: SLOW_DOWN,
  InternalError: UNAVAILABLE,
  ServiceUnavailable: UNAVAILABLE,
  RequestTimeout: UNAVAILABLE,
  BadDigest: UNAVAILABLE,
  XAmzContentSHA256Mismatch: UNAVAILABLE,
  "KMS.NotFoundException": KMS_KEY,
  "KMS.DisabledException": KMS_KEY,
  "KMS.KMSInvalidStateException": KMS_KEY,
  "KMS.InvalidKeyUsageException": KMS_KEY,
  "kms:KeyNotFound": KMS_KEY,
  XMinioStorageFull: STORAGE_FULL,
  XMinioAdminBucketQuotaExceeded: STORAGE_FULL,
  QuotaExceeded: STORAGE_FULL,
};

/** Codes of sockets, TLS and the HTTP parser; `*` stands for all with that beginning. */
export const BY_NETWORK_CODE: Readonly<Record<string, ErrorClass>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ENOTFOUND: {
    code: "invalid_input",
    reason: "s3.unresolvable",
    detail: "the host name does not exist",
    hint: "check the endpoint",
  },
  EAI_AGAIN: {
    code: "unavailable",
    reason: "s3.unresolvable",
    detail: "the host name cannot be looked up now",
  },
  ECONNRESET: CONNECTION_LOST,
  ECONNABORTED: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  ERR_STREAM_PREMATURE_CLOSE: CONNECTION_LOST,
  ETIMEDOUT: TIMEOUT,
  ESOCKETTIMEDOUT: TIMEOUT,
  CERT_HAS_EXPIRED: CERTIFICATE,
  CERT_NOT_YET_VALID: CERTIFICATE,
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  ERR_TLS_CERT_ALTNAME_INVALID: CERTIFICATE,
  EPROTO: PROTOCOL,
  "ERR_SSL_*": PROTOCOL,
  "HPE_*": PROTOCOL,
  ERR_INVALID_CHAR: {
    code: "invalid_config",
    reason: "s3.invalid_credentials",
    detail: "the credentials hold characters that no credentials have",
    hint: "enter the key pair again",
  },
};

/** Answers without a code that is known: HEAD has no body, and proxies answer in HTML. 200, 400 and 500 stand for their class. */
export const BY_STATUS: Readonly<Record<number, ErrorClass>> = {
  200: {
    code: "unavailable",
    reason: "s3.malformed_answer",
    detail: "the answer is not one of S3",
    hint: "check that the endpoint is that of the S3 interface, not of a web page",
  },
  301: WRONG_REGION,
  307: WRONG_REGION,
  400: {
    code: "invalid_input",
    reason: "s3.bad_request",
    detail: "the store does not take the request",
  },
  401: {
    code: "unauthenticated",
    reason: "s3.unauthenticated",
    detail: "the store does not accept the credentials",
    hint: "enter the key pair again",
  },
  403: ACCESS_DENIED,
  404: KEY_NOT_FOUND,
  405: { code: "unsupported", detail: "the store cannot do this" },
  408: UNAVAILABLE,
  409: WRITE_CONFLICT,
  412: PRECONDITION,
  416: INVALID_RANGE,
  429: SLOW_DOWN,
  500: UNAVAILABLE,
  501: { code: "unsupported", detail: "the store cannot do this" },
  503: UNAVAILABLE,
  507: UNAVAILABLE,
};
