import type { ErrorClass } from "../../driver.ts";

const CONTAINER_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "azure.container_not_found",
  detail: "the container does not exist",
  hint: "check the name of the container and of the account",
};
const BLOB_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "azure.blob_not_found",
  detail: "the blob does not exist",
};
const ROLE_MISSING: ErrorClass = {
  code: "permission_denied",
  reason: "azure.role_missing",
  detail: "the identity is known, but has no role that allows this",
  hint: "assign Storage Blob Data Reader for a source, Storage Blob Data Contributor for a target, on the container or the account; an assignment takes up to ten minutes",
};
const NOT_AUTHORIZED: ErrorClass = {
  code: "permission_denied",
  reason: "azure.not_authorized",
  detail: "the storage account refuses the request",
  hint: "check the account key, then the account's networking rules: its firewall may not know this server's address",
};
const KEY_REFUSED: ErrorClass = {
  code: "unauthenticated",
  reason: "azure.authentication_failed",
  detail:
    "Server failed to authenticate the request: the credentials are wrong or the clock of this server is",
  hint: "enter the account key again; it may have been rotated",
};
const TOKEN_REFUSED: ErrorClass = {
  code: "unauthenticated",
  reason: "azure.token_refused",
  detail: "the store does not accept the token, which may have expired",
  hint: "check that the app registration is in the directory of the storage account",
};
const SERVER_BUSY: ErrorClass = {
  code: "rate_limited",
  reason: "azure.server_busy",
  detail: "the store asks for fewer requests",
};
const UNAVAILABLE: ErrorClass = {
  code: "unavailable",
  reason: "azure.unavailable",
  detail: "the store cannot answer now",
};
const CONDITION_NOT_MET: ErrorClass = {
  code: "precondition_failed",
  detail: "the blob has changed meanwhile",
};
const LEASED: ErrorClass = {
  code: "conflict",
  reason: "azure.leased",
  detail: "somebody else holds a lease on the blob",
};
const IMMUTABLE: ErrorClass = {
  code: "permission_denied",
  reason: "azure.immutable",
  detail: "an immutability policy keeps the blob as it is",
  hint: "use a container without such a policy, or keys that are never written twice",
};
const INVALID_CONTAINER: ErrorClass = {
  code: "invalid_config",
  reason: "azure.invalid_container_name",
  detail: "the store does not take this name for a container",
  hint: "a name has 3 to 63 lower-case letters, digits and dashes",
};
const BAD_REQUEST: ErrorClass = {
  code: "invalid_input",
  reason: "azure.bad_request",
  detail: "the store does not take the request",
};
const INVALID_RANGE: ErrorClass = {
  code: "invalid_input",
  reason: "azure.invalid_range",
  detail: "the range lies behind the end of the blob",
};
const UNREACHABLE: ErrorClass = {
  code: "unavailable",
  reason: "azure.unreachable",
  detail: "the store does not take connections",
};
const TIMEOUT: ErrorClass = {
  code: "timeout",
  reason: "azure.timeout",
  detail: "the store did not answer in time",
};
const CERTIFICATE: ErrorClass = {
  code: "invalid_config",
  reason: "azure.certificate",
  detail: "the certificate of the store is not trusted",
};
const PROTOCOL: ErrorClass = {
  code: "invalid_config",
  reason: "azure.protocol",
  detail: "the host speaks another protocol",
};

/** The connection ended before the answer did. */
export const CONNECTION_LOST: ErrorClass = {
  code: "unavailable",
  reason: "azure.connection_lost",
  detail: "the connection was lost",
};

/** Azure's own codes, with those of Azurite where they differ. */
export const BY_AZURE_CODE: Readonly<Record<string, ErrorClass>> = {
  ContainerNotFound: CONTAINER_NOT_FOUND,
  ContainerBeingDeleted: CONTAINER_NOT_FOUND,
  ContainerDisabled: CONTAINER_NOT_FOUND,
  // Azurite: no such account.
  ResourceNotFound: CONTAINER_NOT_FOUND,
  BlobNotFound: BLOB_NOT_FOUND,
  AuthorizationPermissionMismatch: ROLE_MISSING,
  InsufficientAccountPermissions: ROLE_MISSING,
  // Azurite answers so to a wrong key, the cloud to an address that its firewall does not know.
  AuthorizationFailure: NOT_AUTHORIZED,
  AuthorizationSourceIPMismatch: NOT_AUTHORIZED,
  PublicAccessNotPermitted: NOT_AUTHORIZED,
  AccountIsDisabled: {
    code: "permission_denied",
    reason: "azure.account_disabled",
    detail: "the storage account is disabled",
  },
  KeyBasedAuthenticationNotPermitted: {
    code: "permission_denied",
    reason: "azure.keys_disabled",
    detail: "the storage account takes no account keys",
    hint: "use a storage of the type azure_spi, or allow access with account keys in the account's configuration",
  },
  AuthenticationFailed: KEY_REFUSED,
  NoAuthenticationInformation: KEY_REFUSED,
  InvalidAuthenticationInfo: TOKEN_REFUSED,
  ServerBusy: SERVER_BUSY,
  TooManyRequests: SERVER_BUSY,
  InternalError: UNAVAILABLE,
  OperationTimedOut: UNAVAILABLE,
  AccountBeingCreated: UNAVAILABLE,
  Md5Mismatch: UNAVAILABLE,
  ConditionNotMet: CONDITION_NOT_MET,
  TargetConditionNotMet: CONDITION_NOT_MET,
  BlobAlreadyExists: { code: "already_exists", detail: "the blob exists already" },
  LeaseIdMissing: LEASED,
  LeaseIdMismatchWithBlobOperation: LEASED,
  LeaseAlreadyPresent: LEASED,
  BlobBeingRehydrated: {
    code: "unsupported",
    reason: "azure.archived",
    detail: "the blob is on its way out of the archive tier",
    hint: "try again when it has arrived",
  },
  BlobArchived: {
    code: "unsupported",
    reason: "azure.archived",
    detail: "the blob is in the archive tier",
    hint: "move it to another tier first",
  },
  BlobImmutableDueToPolicy: IMMUTABLE,
  BlobImmutableDueToLegalHold: IMMUTABLE,
  SnapshotsPresent: {
    code: "unsupported",
    reason: "azure.snapshots_present",
    detail: "the blob has snapshots, which would be deleted with it",
    hint: "delete the snapshots first",
  },
  InvalidBlobType: {
    code: "unsupported",
    reason: "azure.blob_type",
    detail: "there is a page or append blob of this name",
  },
  InvalidRange: INVALID_RANGE,
  InvalidResourceName: INVALID_CONTAINER,
  InvalidUri: BAD_REQUEST,
  OutOfRangeInput: BAD_REQUEST,
  RequestBodyTooLarge: BAD_REQUEST,
};

/** The login host's numbers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
export const BY_SIGN_IN_CODE: Readonly<Record<string, ErrorClass>> = {
  "7000222": {
    code: "unauthenticated",
    reason: "azure.secret_expired",
    detail: "the client secret has expired",
    hint: "make a new client secret in the app registration and enter it here",
  },
  "7000215": {
    code: "unauthenticated",
    reason: "azure.secret_wrong",
    detail: "the client secret is wrong",
    hint: "enter the value of the client secret, not its id",
  },
  "700016": {
    code: "unauthenticated",
    reason: "azure.client_unknown",
    detail: "the directory has no app registration with this client id",
    hint: "check client id and tenant id",
  },
  "7000112": {
    code: "permission_denied",
    reason: "azure.client_disabled",
    detail: "the app registration is disabled",
  },
  "90002": {
    code: "unauthenticated",
    reason: "azure.tenant_unknown",
    detail: "there is no directory with this tenant id",
    hint: "check the tenant id",
  },
  "900023": {
    code: "unauthenticated",
    reason: "azure.tenant_unknown",
    detail: "the tenant id is neither an id nor a domain name of a directory",
    hint: "check the tenant id",
  },
  "53003": {
    code: "permission_denied",
    reason: "azure.conditional_access",
    detail: "a conditional access policy of the directory refuses the app",
    hint: "let the directory's administrator except the app or this server's address",
  },
  "90033": UNAVAILABLE,
};

/** Any other refusal of the login host. */
export const SIGN_IN_REFUSED: ErrorClass = {
  code: "unauthenticated",
  reason: "azure.sign_in_refused",
  detail: "the app could not sign in",
  hint: "check tenant id, client id and client secret",
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
    reason: "azure.unresolvable",
    detail: "there is no host of this account",
    hint: "check the name of the account",
  },
  EAI_AGAIN: {
    code: "unavailable",
    reason: "azure.unresolvable",
    detail: "the host name cannot be looked up now",
  },
  ECONNRESET: CONNECTION_LOST,
  ECONNABORTED: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  ERR_STREAM_PREMATURE_CLOSE: CONNECTION_LOST,
  // The SDK's name for a request that could not be sent.
  REQUEST_SEND_ERROR: CONNECTION_LOST,
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
};

/** Answers without a code that is known. 200, 400 and 500 stand for their class. */
export const BY_STATUS: Readonly<Record<number, ErrorClass>> = {
  200: {
    code: "unavailable",
    reason: "azure.malformed_answer",
    detail: "the answer is not one of Azure",
  },
  400: BAD_REQUEST,
  401: TOKEN_REFUSED,
  403: ROLE_MISSING,
  404: BLOB_NOT_FOUND,
  405: { code: "unsupported", detail: "the store cannot do this" },
  408: UNAVAILABLE,
  409: { code: "conflict", detail: "somebody else is writing the blob" },
  412: CONDITION_NOT_MET,
  416: INVALID_RANGE,
  429: SERVER_BUSY,
  500: UNAVAILABLE,
  501: { code: "unsupported", detail: "the store cannot do this" },
  503: SERVER_BUSY,
};
