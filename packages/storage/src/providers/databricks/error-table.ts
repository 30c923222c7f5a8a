import type { ErrorClass } from "../../driver.ts";

const TOKEN_REFUSED: ErrorClass = {
  code: "unauthenticated",
  reason: "databricks.token_refused",
  detail: "the workspace does not accept the token",
  hint: "check that the token belongs to this workspace and has not expired, or enter a new one",
};
const ACCESS_DENIED: ErrorClass = {
  code: "permission_denied",
  reason: "databricks.access_denied",
  detail: "the token is known, but may not do this",
  hint: "grant USE CATALOG and USE SCHEMA, READ VOLUME to a source and WRITE VOLUME to a target",
};
const VOLUME_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "databricks.volume_not_found",
  detail: "the volume does not exist, or the token may not see it",
  hint: "check catalog, schema and volume, and that the token may use them",
};
const KEY_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "databricks.file_not_found",
  detail: "the file does not exist",
};
const EXISTS: ErrorClass = { code: "already_exists", detail: "the file exists already" };
const CHANGED: ErrorClass = {
  code: "precondition_failed",
  reason: "databricks.changed",
  detail: "the file has changed meanwhile",
};
const CONFLICT: ErrorClass = { code: "conflict", detail: "somebody else is writing the file" };
const INVALID_RANGE: ErrorClass = {
  code: "invalid_input",
  reason: "databricks.invalid_range",
  detail: "the range lies behind the end of the file",
};
const THROTTLED: ErrorClass = {
  code: "rate_limited",
  reason: "databricks.throttled",
  detail: "the workspace asks for fewer requests",
};
const UNAVAILABLE: ErrorClass = {
  code: "unavailable",
  reason: "databricks.unavailable",
  detail: "the workspace cannot answer now",
};
const BAD_REQUEST: ErrorClass = {
  code: "invalid_input",
  reason: "databricks.bad_request",
  detail: "the workspace does not take the request",
};
const DISABLED: ErrorClass = {
  code: "unsupported",
  reason: "databricks.feature_disabled",
  detail: "the workspace does not offer the Files API",
  hint: "Unity Catalog volumes must be enabled for the workspace",
};
const REDIRECTED: ErrorClass = {
  code: "invalid_config",
  reason: "databricks.redirected",
  detail: "the host sends requests elsewhere",
  hint: "use the address of the workspace itself",
};
const UNREACHABLE: ErrorClass = {
  code: "unavailable",
  reason: "databricks.unreachable",
  detail: "the host does not take connections",
  hint: "check the host",
};
const CONNECTION_LOST: ErrorClass = {
  code: "unavailable",
  reason: "databricks.connection_lost",
  detail: "the connection was lost",
};
const TIMEOUT: ErrorClass = {
  code: "timeout",
  reason: "databricks.timeout",
  detail: "the workspace did not answer in time",
};
const CERTIFICATE: ErrorClass = {
  code: "invalid_config",
  reason: "databricks.certificate",
  detail: "the certificate of the host is not trusted",
  hint: "use a certificate of an authority that this server trusts, or turn verify_tls off",
};
const PROTOCOL: ErrorClass = {
  code: "invalid_config",
  reason: "databricks.protocol",
  detail: "the host speaks another protocol",
  hint: "check https:// and the port of the host",
};

/** An answer that is none of the Files API: a login page, an error page of a proxy. */
export const MALFORMED: ErrorClass = {
  code: "unavailable",
  reason: "databricks.malformed_answer",
  detail: "the answer is none of the Files API",
  hint: "check that the host is the address of a Databricks workspace",
};
/** The listing must start again. */
export const CURSOR_EXPIRED: ErrorClass = {
  code: "invalid_input",
  reason: "databricks.cursor_expired",
  detail: "the workspace does not know the token of the next page any more",
};
/** A directory is missing whose volume may be there. */
export const DIRECTORY_NOT_FOUND: ErrorClass = {
  code: "not_found",
  reason: "databricks.directory_not_found",
  detail: "the directory does not exist",
};
/** Refused because of where the request came from. */
export const IP_BLOCKED: ErrorClass = {
  code: "permission_denied",
  reason: "databricks.ip_blocked",
  detail: "the workspace does not take requests from the address of this platform",
  hint: "add the outgoing addresses of the platform to the IP access list of the workspace",
};
export { CHANGED, TOKEN_REFUSED, VOLUME_NOT_FOUND };

/** `reason` of the `ErrorInfo` in an answer, which says more than the code. */
export const BY_REASON: Readonly<Record<string, ErrorClass>> = {
  FILES_API_FILE_NOT_FOUND: KEY_NOT_FOUND,
  FILES_API_FILE_ALREADY_EXISTS: EXISTS,
  FILES_API_DIRECTORY_IS_NOT_FOUND: DIRECTORY_NOT_FOUND,
  FILES_API_INVALID_PAGE_TOKEN: CURSOR_EXPIRED,
  VOLUME_DOES_NOT_EXIST: VOLUME_NOT_FOUND,
  SCHEMA_DOES_NOT_EXIST: VOLUME_NOT_FOUND,
  CATALOG_DOES_NOT_EXIST: VOLUME_NOT_FOUND,
};

/** `error_code` of an answer. */
export const BY_ERROR_CODE: Readonly<Record<string, ErrorClass>> = {
  UNAUTHENTICATED: TOKEN_REFUSED,
  PERMISSION_DENIED: ACCESS_DENIED,
  CATALOG_DOES_NOT_EXIST: VOLUME_NOT_FOUND,
  SCHEMA_DOES_NOT_EXIST: VOLUME_NOT_FOUND,
  VOLUME_DOES_NOT_EXIST: VOLUME_NOT_FOUND,
  ALREADY_EXISTS: EXISTS,
  RESOURCE_ALREADY_EXISTS: EXISTS,
  ABORTED: CONFLICT,
  RESOURCE_CONFLICT: CONFLICT,
  FAILED_PRECONDITION: CHANGED,
  OUT_OF_RANGE: INVALID_RANGE,
  RESOURCE_EXHAUSTED: THROTTLED,
  REQUEST_LIMIT_EXCEEDED: THROTTLED,
  TEMPORARILY_UNAVAILABLE: UNAVAILABLE,
  INTERNAL_ERROR: UNAVAILABLE,
  INTERNAL: UNAVAILABLE,
  DEADLINE_EXCEEDED: TIMEOUT,
  FEATURE_DISABLED: DISABLED,
  NOT_IMPLEMENTED: DISABLED,
};

/** Statuses whose answer has no code that we know. */
export const BY_STATUS: Readonly<Record<number, ErrorClass>> = {
  200: MALFORMED,
  300: REDIRECTED,
  400: BAD_REQUEST,
  401: TOKEN_REFUSED,
  403: ACCESS_DENIED,
  404: KEY_NOT_FOUND,
  408: TIMEOUT,
  409: CONFLICT,
  412: CHANGED,
  416: INVALID_RANGE,
  429: THROTTLED,
  500: UNAVAILABLE,
  501: DISABLED,
  504: TIMEOUT,
};

/** Codes of Node and undici. */
export const BY_NETWORK_CODE: Readonly<Record<string, ErrorClass>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  ECONNRESET: CONNECTION_LOST,
  ECONNABORTED: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  UND_ERR_SOCKET: CONNECTION_LOST,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: CONNECTION_LOST,
  ETIMEDOUT: TIMEOUT,
  UND_ERR_CONNECT_TIMEOUT: TIMEOUT,
  UND_ERR_HEADERS_TIMEOUT: TIMEOUT,
  UND_ERR_BODY_TIMEOUT: TIMEOUT,
  UND_ERR_HEADERS_OVERFLOW: MALFORMED,
  CERT_HAS_EXPIRED: CERTIFICATE,
  CERT_NOT_YET_VALID: CERTIFICATE,
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  ERR_TLS_CERT_ALTNAME_INVALID: CERTIFICATE,
  "ERR_SSL_*": PROTOCOL,
  "HPE_*": PROTOCOL,
};

/** What the token endpoints say: OAuth's words, and Azure's numbers, which say more. */
export const BY_TOKEN_ERROR: Readonly<Record<string, ErrorClass>> = {
  AADSTS7000222: {
    code: "unauthenticated",
    reason: "databricks.secret_expired",
    detail: "the secret of the service principal has expired",
    hint: "make a new secret in Azure and enter it",
  },
  AADSTS90002: {
    code: "invalid_config",
    reason: "databricks.tenant_not_found",
    detail: "Azure knows no such tenant",
    hint: "check tenant_id",
  },
  AADSTS900023: {
    code: "invalid_config",
    reason: "databricks.tenant_not_found",
    detail: "Azure does not take this for a tenant",
    hint: "check tenant_id",
  },
  AADSTS700016: {
    code: "unauthenticated",
    reason: "databricks.client_not_found",
    detail: "the tenant has no such application",
    hint: "check client_id and tenant_id",
  },
  invalid_client: {
    code: "unauthenticated",
    reason: "databricks.client_refused",
    detail: "client_id and client_secret are not accepted",
    hint: "check both, and that the service principal was added to the workspace",
  },
};

/** A token endpoint that is none. */
export const NO_TOKEN_ENDPOINT: ErrorClass = {
  code: "invalid_config",
  reason: "databricks.no_token_endpoint",
  detail: "the host gives out no tokens for service principals",
  hint: "check that the host is the address of a Databricks workspace, and auth_type",
};
