import type { ErrorClass } from "../../driver.ts";

/** What this driver itself refuses; everything else it throws is an error of the operating system. */
export class LocalFilesFault extends Error {
  override readonly name = "LocalFilesFault";
  readonly class: ErrorClass;

  constructor(fault: ErrorClass) {
    super(fault.detail ?? fault.code);
    this.class = fault;
  }
}

const ACCESS_HINT =
  "give the user that runs api and worker access to the file and the folders above it";
const LINK: ErrorClass = {
  code: "permission_denied",
  reason: "localfiles.link",
  detail: "it is, or lies behind, a symbolic link",
  hint: "links are not followed: put the file itself there, or add its real folder as a storage",
};
const BUSY: ErrorClass = { code: "unavailable", detail: "the file system does not answer now" };

/** Error numbers of the operating system. */
const BY_ERRNO: Readonly<Record<string, ErrorClass>> = {
  ENOENT: { code: "not_found", detail: "there is no such file" },
  ENOTDIR: { code: "not_found", detail: "a part of its path is a file, not a folder" },
  EISDIR: { code: "invalid_input", detail: "it is a folder" },
  ENOTEMPTY: { code: "invalid_input", detail: "it is a folder" },
  EEXIST: { code: "already_exists", detail: "there is such a file" },
  EACCES: {
    code: "permission_denied",
    detail: "the file system refuses access",
    hint: ACCESS_HINT,
  },
  EPERM: { code: "permission_denied", detail: "the file system refuses access", hint: ACCESS_HINT },
  EROFS: {
    code: "permission_denied",
    reason: "localfiles.read_only",
    detail: "the file system is read-only",
    hint: "mount the folder writable",
  },
  ELOOP: LINK,
  ENAMETOOLONG: {
    code: "invalid_input",
    reason: "localfiles.name_too_long",
    detail: "the file system does not take names or paths of this length",
  },
  EILSEQ: { code: "invalid_input", detail: "the file system does not take this name" },
  ENOTSUP: { code: "unsupported", detail: "the file system cannot do this" },
  EOPNOTSUPP: { code: "unsupported", detail: "the file system cannot do this" },
  ENOSPC: {
    code: "unavailable",
    reason: "localfiles.disk_full",
    detail: "the disk is full",
    hint: "free some space",
  },
  EDQUOT: {
    code: "unavailable",
    reason: "localfiles.disk_full",
    detail: "the quota is used up",
    hint: "free some space",
  },
  EMFILE: { code: "unavailable", detail: "the process has too many files open" },
  ENFILE: { code: "unavailable", detail: "the system has too many files open" },
  EAGAIN: BUSY,
  EBUSY: BUSY,
  EIO: {
    code: "unavailable",
    reason: "localfiles.disk_error",
    detail: "the disk reports an error",
  },
  ESTALE: BUSY,
  ETIMEDOUT: BUSY,
  ENXIO: { code: "not_found", detail: "it is no regular file" },
  ENODEV: { code: "not_found", detail: "it is no regular file" },
};

/** A link on the way to a file, found on the open descriptor. */
export function linkFault(): LocalFilesFault {
  return new LocalFilesFault(LINK);
}

/** What an error of the driver means. Undefined: it is not known. */
export function classifyLocalFilesError(error: unknown): ErrorClass | undefined {
  if (error instanceof LocalFilesFault) return error.class;
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? BY_ERRNO[error.code] : undefined;
}

/** The error number of a system error, "" for any other error. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}
