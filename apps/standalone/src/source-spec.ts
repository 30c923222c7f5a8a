import path from "node:path";
import { AppError, type Secret } from "@bucketbridge/core";

/** What the first run imports. */
export interface SourceSpec {
  readonly type: "s3" | "localfiles";
  /** What a person reads. */
  readonly label: string;
  /** Body of the storage's create call, without project and title. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The field that tells this source from others of its type. */
  readonly identity: { readonly field: string; readonly value: string };
}

/** The usual credential variables. */
export interface SourceCredentials {
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: Secret | undefined;
  readonly sessionToken: Secret | undefined;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}

/**
 * Reads BUCKETBRIDGE_SOURCE: `none` (undefined), `s3://bucket/prefix`, or a folder below the document root. Throws
 * `invalid_input` for anything else.
 */
export function parseSource(
  source: string,
  credentials: SourceCredentials,
): SourceSpec | undefined {
  if (source === "none") return undefined;
  if (source.startsWith("s3://")) return s3Source(source, credentials);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    throw new AppError({
      code: "invalid_input",
      message: `BUCKETBRIDGE_SOURCE=${source} is not understood: give s3://bucket/prefix, a folder, or none`,
    });
  }
  const folder = path.resolve(source);
  return {
    type: "localfiles",
    label: folder,
    fields: { path: folder, recursive_scan: true, use_blob_urls: true },
    identity: { field: "path", value: folder },
  };
}

function s3Source(source: string, credentials: SourceCredentials): SourceSpec {
  const [bucket = "", ...rest] = source.slice("s3://".length).split("/");
  if (bucket === "") {
    throw new AppError({
      code: "invalid_input",
      message: `BUCKETBRIDGE_SOURCE=${source} names no bucket: give s3://bucket/prefix`,
    });
  }
  const prefix = rest.join("/").replace(/\/+$/, "");
  return {
    type: "s3",
    label: source,
    fields: {
      bucket,
      prefix: prefix === "" ? null : prefix,
      recursive_scan: true,
      use_blob_urls: true,
      aws_access_key_id: credentials.accessKeyId,
      aws_secret_access_key: credentials.secretAccessKey?.reveal(),
      aws_session_token: credentials.sessionToken?.reveal(),
      region_name: credentials.region,
      s3_endpoint: credentials.endpoint,
    },
    identity: { field: "bucket", value: bucket },
  };
}
