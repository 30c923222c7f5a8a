import type { ErrorClass } from "../../driver.ts";

export const BUCKET_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "gcs.bucket_not_found",
  detail: "the bucket does not exist",
  hint: "check the name of the bucket",
};
const KEY_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "gcs.key_not_found",
  detail: "the object does not exist",
};
const ACCESS_DENIED: ErrorClass = {
  code: "permission_denied",
  reason: "gcs.access_denied",
  detail: "the account is known, but may not do this",
  hint: "a source needs storage.objects.list on the bucket and storage.objects.get on its objects (Storage Object Viewer), a target storage.objects.create and, to overwrite or delete, storage.objects.delete (Storage Object User)",
};
/** Words of the guide's table that users search for. */
export const BUCKETS_GET_DENIED: ErrorClass = {
  code: "permission_denied",
  reason: "gcs.buckets_get_denied",
  detail: "the account has no storage.buckets.get access to the bucket",
  hint: "grant storage.buckets.get (Storage Legacy Bucket Reader) to the account, or leave it: listing and writing objects need no access to the bucket itself",
};
export const OVERWRITE_DENIED: ErrorClass = {
  code: "permission_denied",
  reason: "gcs.overwrite_denied",
  detail: "the account may create objects, but not replace one that exists",
  hint: "grant storage.objects.delete (Storage Object User) to the account: replacing an object deletes the one before",
};
export const KMS_KEY: ErrorClass = {
  code: "invalid_config",
  reason: "gcs.kms_key",
  detail: "the encryption key cannot be used",
  hint: "check google_kms_key_name, and that the storage service agent of the bucket's project may use the key (Cloud KMS CryptoKey Encrypter/Decrypter)",
};
const BILLING: ErrorClass = {
  code: "permission_denied",
  reason: "gcs.billing",
  detail: "the project of the bucket has no active billing account",
  hint: "turn billing on for the project",
};
const EXPIRED_TOKEN: ErrorClass = {
  code: "unauthenticated",
  reason: "gcs.expired_token",
  detail: "the store does not accept the access token, a new one neither",
  hint: "check that the account exists and is enabled, and the clock of this server",
};
const RATE_LIMITED: ErrorClass = {
  code: "rate_limited",
  reason: "gcs.rate_limited",
  detail: "the store asks for fewer requests",
};
const UNAVAILABLE: ErrorClass = {
  code: "unavailable",
  reason: "gcs.unavailable",
  detail: "the store cannot answer now",
};
const INVALID_RANGE: ErrorClass = {
  code: "invalid_input",
  reason: "gcs.invalid_range",
  detail: "the range lies behind the end of the object",
};
const WRITE_CONFLICT: ErrorClass = {
  code: "conflict",
  detail: "somebody else is writing the object",
};
const UNREACHABLE: ErrorClass = {
  code: "unavailable",
  reason: "gcs.unreachable",
  detail: "the service does not take connections",
};
const CONNECTION_LOST: ErrorClass = {
  code: "unavailable",
  reason: "gcs.connection_lost",
  detail: "the connection was lost",
};
const TIMEOUT: ErrorClass = {
  code: "timeout",
  reason: "gcs.timeout",
  detail: "the store did not answer in time",
};
const CERTIFICATE: ErrorClass = {
  code: "invalid_config",
  reason: "gcs.certificate",
  detail: "the certificate of the service is not trusted",
  hint: "a proxy between this server and Google may replace certificates; let this server trust its authority",
};
const UNRESOLVABLE: ErrorClass = {
  code: "unavailable",
  reason: "gcs.unresolvable",
  detail: "the host name of the service cannot be looked up",
};

/** Google's own words (`error.errors[0].reason`) where the status alone says too little. */
export const BY_REASON: Readonly<Record<string, ErrorClass>> = {
  rateLimitExceeded: RATE_LIMITED,
  userRateLimitExceeded: RATE_LIMITED,
  quotaExceeded: RATE_LIMITED,
  accountDisabled: BILLING,
  uploadBrokenConnection: CONNECTION_LOST,
};

/** Answers of the store by status. 400 and 500 stand for their class, 200 for what is no answer of Google's. */
export const BY_STATUS: Readonly<Record<number, ErrorClass>> = {
  200: {
    code: "unavailable",
    reason: "gcs.malformed_answer",
    detail: "the answer is not one of Google's",
  },
  400: {
    code: "invalid_input",
    reason: "gcs.bad_request",
    detail: "the store does not take the request",
  },
  401: EXPIRED_TOKEN,
  403: ACCESS_DENIED,
  404: KEY_NOT_FOUND,
  408: UNAVAILABLE,
  409: WRITE_CONFLICT,
  410: UNAVAILABLE,
  412: { code: "precondition_failed", detail: "the object has changed meanwhile" },
  416: INVALID_RANGE,
  429: RATE_LIMITED,
  500: UNAVAILABLE,
  501: { code: "unsupported", detail: "the store cannot do this" },
};

/** Codes of sockets, TLS, the HTTP parser and undici; `*` stands for all with that beginning. */
export const BY_NETWORK_CODE: Readonly<Record<string, ErrorClass>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ENOTFOUND: UNRESOLVABLE,
  EAI_AGAIN: UNRESOLVABLE,
  ECONNRESET: CONNECTION_LOST,
  ECONNABORTED: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  UND_ERR_SOCKET: CONNECTION_LOST,
  UND_ERR_CLOSED: CONNECTION_LOST,
  UND_ERR_ABORTED: { code: "canceled" },
  UND_ERR_CONNECT_TIMEOUT: TIMEOUT,
  UND_ERR_HEADERS_TIMEOUT: TIMEOUT,
  UND_ERR_BODY_TIMEOUT: TIMEOUT,
  ETIMEDOUT: TIMEOUT,
  CERT_HAS_EXPIRED: CERTIFICATE,
  CERT_NOT_YET_VALID: CERTIFICATE,
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  ERR_TLS_CERT_ALTNAME_INVALID: CERTIFICATE,
  "HPE_*": CONNECTION_LOST,
};
