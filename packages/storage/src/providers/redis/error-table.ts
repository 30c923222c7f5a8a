import type { ErrorClass } from "../../driver.ts";

const UNREACHABLE: ErrorClass = {
  code: "unavailable",
  reason: "redis.unreachable",
  detail: "the server does not take connections",
  hint: "check host and port and that the server runs and listens on that address",
};
const CONNECTION_LOST: ErrorClass = {
  code: "unavailable",
  reason: "redis.connection_lost",
  detail: "the connection was lost",
};
const TIMEOUT: ErrorClass = {
  code: "timeout",
  reason: "redis.timeout",
  detail: "the server did not answer in time",
  hint: "check host and port, and tls: a server without TLS says nothing to somebody who speaks it",
};
const CERTIFICATE: ErrorClass = {
  code: "invalid_config",
  reason: "redis.certificate",
  detail: "the certificate of the server is not trusted",
  hint: "use the host name that the certificate is for, and give the certificate of a private authority as tls_ca",
};
/** An endpoint that speaks TLS where we do not, or the other way round, or no Redis at all. */
export const PROTOCOL: ErrorClass = {
  code: "invalid_config",
  reason: "redis.protocol",
  detail: "the server does not answer as Redis does",
  hint: "check the port, and tls: on if the server wants TLS, off if not",
};
const CLUSTER: ErrorClass = {
  code: "unsupported",
  reason: "redis.cluster",
  detail: "the server is part of a Redis Cluster, which is not supported",
  hint: "use a server (or a primary with replicas) outside of cluster mode",
};
const NOT_READY: ErrorClass = {
  code: "unavailable",
  reason: "redis.not_ready",
  detail: "the server cannot answer now",
};
/** A number that the server does not have, or the user may not select. */
export const WRONG_DB: ErrorClass = {
  code: "invalid_config",
  reason: "redis.wrong_db",
  detail: "the server has no database of this number",
  hint: "check db; a server has 16 databases (0 to 15) unless its administrator changed that",
};

/** By the first word of the server's error. `ERR` says nothing by itself: see {@link BY_ERR_TEXT}. */
export const BY_WORD: Readonly<Record<string, ErrorClass>> = {
  WRONGPASS: {
    code: "unauthenticated",
    reason: "redis.wrong_password",
    detail: "the server does not accept username and password",
    hint: "enter the password again, and the username if the server has users",
  },
  NOAUTH: {
    code: "unauthenticated",
    reason: "redis.password_required",
    detail: "the server wants a password",
    hint: "enter it",
  },
  NOPERM: {
    code: "permission_denied",
    reason: "redis.no_permission",
    detail: "the user may not do this",
    hint: "a source needs SELECT, SCAN, TYPE, STRLEN, GET and GETRANGE, a target SELECT, SET and, to delete, UNLINK, each for the keys below its path",
  },
  DENIED: {
    code: "unauthenticated",
    reason: "redis.protected_mode",
    detail: "the server is in protected mode and takes local connections only",
    hint: "give the server a password or bind it to an address",
  },
  WRONGTYPE: {
    code: "corrupt_data",
    reason: "redis.not_a_string",
    detail: "the key holds no string",
    hint: "only string values are read: leave other keys out by path or regex_filter",
  },
  LOADING: {
    code: "unavailable",
    reason: "redis.loading",
    detail: "the server is loading its data",
  },
  BUSY: { code: "unavailable", reason: "redis.busy", detail: "the server is busy with a script" },
  OOM: {
    code: "unavailable",
    reason: "redis.out_of_memory",
    detail: "the server has no memory left",
    hint: "free some memory or raise maxmemory",
  },
  READONLY: {
    code: "unavailable",
    reason: "redis.read_only",
    detail: "the server is a replica, which takes no writes",
    hint: "name the primary as host",
  },
  MISCONF: {
    code: "unavailable",
    reason: "redis.cannot_save",
    detail: "the server takes no writes because it cannot save its data",
    hint: "look at the server's log",
  },
  MASTERDOWN: NOT_READY,
  NOREPLICAS: NOT_READY,
  TRYAGAIN: NOT_READY,
  UNBLOCKED: NOT_READY,
  MOVED: CLUSTER,
  ASK: CLUSTER,
  CROSSSLOT: CLUSTER,
  CLUSTERDOWN: CLUSTER,
};

/** Texts of `ERR`, as Redis 7.0 has them (src/db.c, src/acl.c, src/networking.c); those of 8.0 are the same. */
export const BY_ERR_TEXT: readonly (readonly [RegExp, ErrorClass])[] = [
  [/DB index|invalid DB/i, WRONG_DB],
  [/not allowed in cluster mode/i, CLUSTER],
  [
    /without any password configured|no password is set/i,
    {
      code: "invalid_config",
      reason: "redis.no_password_set",
      detail: "a password was given, but the server has none",
      hint: "leave the password blank",
    },
  ],
  [
    /invalid password/i,
    {
      code: "unauthenticated",
      reason: "redis.wrong_password",
      detail: "the server does not accept the password",
      hint: "enter the password again",
    },
  ],
  [
    /max number of clients/i,
    {
      code: "unavailable",
      reason: "redis.too_many_clients",
      detail: "the server takes no more connections",
    },
  ],
  [
    /unknown command/i,
    {
      code: "unsupported",
      reason: "redis.unknown_command",
      detail: "the server does not know a command that is needed, or its name was changed",
      hint: "a source needs SELECT, SCAN, TYPE, STRLEN, GET and GETRANGE, a target SELECT, SET and UNLINK",
    },
  ],
];

/** `ERR` with another text. */
export const OTHER_ERR: ErrorClass = {
  code: "invalid_input",
  reason: "redis.refused",
  detail: "the server refuses the command",
};

/** Codes of sockets and TLS; `*` stands for all with that beginning. */
export const BY_NETWORK_CODE: Readonly<Record<string, ErrorClass>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ECONNRESET: CONNECTION_LOST,
  ECONNABORTED: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  ETIMEDOUT: TIMEOUT,
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
};
