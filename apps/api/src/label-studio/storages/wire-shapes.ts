import type { StorageDirection } from "@bucketbridge/storage/providers";

/** Fields that the storages of most types have besides their provider's own. */
export const COMMON_FIELDS = [
  "title",
  "description",
  "prefix",
  "regex_filter",
  "use_blob_urls",
  "presign",
  "presign_ttl",
  "recursive_scan",
  "synchronizable",
  "can_delete_objects",
] as const;

/** One of {@link COMMON_FIELDS}. */
export type CommonField = (typeof COMMON_FIELDS)[number];

/** How the contract shows the storages of one type. */
export interface WireShape {
  readonly name: string;
  /** As in `GET /api/storages/types`. */
  readonly title: string;
  /** Community types are listed first and stay when the operator limits the list to them. */
  readonly edition: "community" | "enterprise";
  /** Keys of a source, in the contract's order; {@link keysOf} has those of a target. */
  readonly sourceKeys: readonly string[];
  /** Deviates from the contract's `false` (docs/adr). */
  readonly recursiveByDefault?: boolean;
  /** Provider fields that the contract does not have: shown where they are set. */
  readonly extensions?: readonly string[];
  /** No URL can be signed: media always stream through us, whatever `presign` says. */
  readonly proxyOnly?: true;
}

const STATUS = ["last_sync", "last_sync_count", "last_sync_job", "status", "traceback", "meta"];
const DESCRIPTION = ["title", "description", "created_at"];
const FILTER = ["regex_filter", "use_blob_urls"];
const SIGNING = ["presign_ttl", "recursive_scan"];
const HEAD = ["id", "type", "synchronizable"];

/** Enterprise answers were never recorded: head, state, texts, the provider's fields, then what the community types end with. */
function enterpriseKeys(fields: readonly string[], prefix = true): readonly string[] {
  const own = prefix ? [...fields, "prefix"] : fields;
  return [...HEAD, "presign", ...STATUS, ...DESCRIPTION, ...own, ...FILTER, ...SIGNING, "project"];
}

/** Every type of the contract in the order of its lists (recorded answers, except for the enterprise types). */
export const WIRE_SHAPES: readonly WireShape[] = [
  {
    name: "s3",
    title: "AWS S3",
    edition: "community",
    sourceKeys: [
      ...[...HEAD, "presign", ...STATUS, ...DESCRIPTION, "bucket", "prefix", ...FILTER],
      ...["aws_sse_kms_key_id", "region_name", "s3_endpoint", ...SIGNING, "project"],
    ],
    extensions: ["expected_bucket_owner"],
  },
  {
    name: "gcs",
    title: "Google Cloud Storage",
    edition: "community",
    sourceKeys: [
      ...[...HEAD, "presign", "bucket", "prefix", ...FILTER, "google_project_id"],
      ...[...STATUS, ...DESCRIPTION, ...SIGNING, "project"],
    ],
    extensions: ["google_kms_key_name"],
  },
  {
    name: "azure",
    title: "Microsoft Azure",
    edition: "community",
    sourceKeys: [
      ...[
        ...HEAD,
        "presign",
        "container",
        "prefix",
        ...FILTER,
        ...STATUS,
        ...DESCRIPTION,
        ...SIGNING,
        "project",
      ],
    ],
  },
  {
    name: "redis",
    title: "Redis",
    edition: "community",
    sourceKeys: [
      ...HEAD,
      "path",
      "host",
      "port",
      ...FILTER,
      ...STATUS,
      ...DESCRIPTION,
      "db",
      "project",
    ],
    // Every key of the database is looked at; there are no folders to stay in.
    recursiveByDefault: true,
    extensions: ["username", "tls", "tls_ca"],
  },
  {
    name: "localfiles",
    title: "Local files",
    edition: "community",
    sourceKeys: [
      ...HEAD,
      "path",
      ...FILTER,
      ...STATUS,
      ...DESCRIPTION,
      "recursive_scan",
      "project",
    ],
    recursiveByDefault: true,
  },
  {
    name: "s3s",
    title: "Amazon S3 with IAM Role",
    edition: "enterprise",
    sourceKeys: enterpriseKeys([
      ...[
        "bucket",
        "aws_sse_kms_key_id",
        "region_name",
        "s3_endpoint",
        "role_arn",
        "external_id",
        "legacy_auth",
      ],
    ]),
    extensions: ["expected_bucket_owner"],
  },
  {
    name: "gcs_sa",
    title: "Google Cloud Storage (SA Impersonation)",
    edition: "enterprise",
    sourceKeys: enterpriseKeys(["bucket", "google_project_id", "target_service_account_email"]),
    extensions: ["google_kms_key_name"],
  },
  {
    name: "gcswif",
    title: "Google Cloud Storage (WIF Auth)",
    edition: "enterprise",
    sourceKeys: enterpriseKeys([
      ...["bucket", "google_project_id", "google_project_number", "google_service_account_email"],
      ...["google_wif_pool_id", "google_wif_provider_id"],
    ]),
    extensions: ["google_kms_key_name"],
  },
  {
    name: "azure_spi",
    title: "Azure Blob Storage with Service Principal",
    edition: "enterprise",
    sourceKeys: enterpriseKeys(["container", "account_name", "tenant_id", "client_id"]),
  },
  {
    name: "databricks",
    title: "Databricks Files (UC Volumes)",
    edition: "enterprise",
    sourceKeys: enterpriseKeys([
      ...[
        "host",
        "catalog",
        "schema",
        "volume",
        "auth_type",
        "client_id",
        "tenant_id",
        "verify_tls",
      ],
      ...["request_timeout_s", "stream_chunk_bytes"],
    ]),
    proxyOnly: true,
  },
];

/** The shape of a type; undefined for a name that the contract does not know. */
export function findWireShape(name: string): WireShape | undefined {
  return WIRE_SHAPES.find((shape) => shape.name === name);
}

/** What only sources have: they are read, and their media are shown. */
const SOURCE_ONLY: readonly string[] = ["presign", "presign_ttl", "recursive_scan"];

/** Keys of an answer, in the contract's order. A common field that is missing here is not a field of the type. */
export function keysOf(shape: WireShape, direction: StorageDirection): readonly string[] {
  if (direction === "source") return shape.sourceKeys;
  return shape.sourceKeys
    .filter((key) => !SOURCE_ONLY.includes(key))
    .flatMap((key) => (key === "created_at" ? [key, "can_delete_objects"] : [key]));
}

/** True when storages of this type and direction have the common field. */
export function hasField(
  shape: WireShape,
  direction: StorageDirection,
  field: CommonField,
): boolean {
  return keysOf(shape, direction).includes(field);
}
