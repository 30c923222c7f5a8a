import { defineProvider, type FormField } from "../definition.ts";
import { checkS3Connection } from "./connection-check.ts";
import { isAssumableByAnyone, roleCredentials } from "./credentials-s3s.ts";
import { resolveCredentials } from "./credentials.ts";
import { DEFAULT_REGION, findRegion, openBucket } from "./open.ts";
import { s3sSettings } from "./settings-s3s.ts";
import { s3Settings, textOf } from "./settings.ts";

const PLACE_FIELDS: readonly FormField[] = [
  { name: "bucket", label: "Bucket Name", type: "text", required: true },
  { name: "region_name", label: "Region Name", type: "text", placeholder: DEFAULT_REGION },
  {
    name: "s3_endpoint",
    label: "S3 Endpoint",
    type: "text",
    placeholder: "https://s3.example.com",
    description: "For stores that are not AWS, such as MinIO or Ceph",
  },
];

const KMS_FIELD: FormField = {
  name: "aws_sse_kms_key_id",
  label: "KMS Key ID",
  type: "text",
  description: "Encrypts what a target writes",
};

const OWNER_FIELD: FormField = {
  name: "expected_bucket_owner",
  label: "Expected Bucket Owner",
  type: "text",
  placeholder: "123456789012",
  description: "Account that must own the bucket; else nothing is read or written",
};

/** Amazon S3 and compatible stores with a key pair. */
export const s3Provider = defineProvider({
  name: "s3",
  title: "AWS S3",
  settings: s3Settings,
  form: [
    ...PLACE_FIELDS,
    { name: "aws_access_key_id", label: "Access Key ID", type: "password", required: true },
    { name: "aws_secret_access_key", label: "Secret Access Key", type: "password", required: true },
    {
      name: "aws_session_token",
      label: "Session Token",
      type: "password",
      description: "Only with temporary credentials",
    },
    KMS_FIELD,
    OWNER_FIELD,
  ],
  referencePrefix: (settings) => `s3://${textOf(settings.bucket) ?? ""}/`,
  isPlaced: (settings) => textOf(settings.bucket) !== undefined,
  describe: (settings) => `s3://${textOf(settings.bucket) ?? ""}`,
  open: async (settings, deps, context) =>
    openBucket(settings, deps, resolveCredentials(settings, deps, context)),
  validate: (driver, settings, check) => checkS3Connection(driver, settings, check),
  findRegion,
});

/** Amazon S3 by a role of the customer's account, which the platform's principal assumes. */
export const s3sProvider = defineProvider({
  name: "s3s",
  title: "Amazon S3 with IAM Role",
  settings: s3sSettings,
  form: [
    ...PLACE_FIELDS,
    {
      name: "role_arn",
      label: "Role ARN",
      type: "text",
      required: true,
      placeholder: "arn:aws:iam::123456789012:role/name",
      description:
        "Its trust policy names this installation's principal and your organisation's external id",
    },
    {
      name: "external_id",
      label: "External ID",
      type: "text",
      description: "Your organisation's; may be left out",
    },
    {
      name: "legacy_auth",
      label: "Former principal",
      type: "toggle",
      description: "The trust policy still names this installation's former principal",
    },
    KMS_FIELD,
    OWNER_FIELD,
  ],
  referencePrefix: (settings) => `s3://${textOf(settings.bucket) ?? ""}/`,
  isPlaced: (settings) => textOf(settings.bucket) !== undefined,
  describe: (settings) => `s3://${textOf(settings.bucket) ?? ""}`,
  open: async (settings, deps, context) =>
    openBucket(settings, deps, roleCredentials(settings, deps, context)),
  validate: (driver, settings, check) => checkS3Connection(driver, settings, check),
  findRegion,
  async findWarnings(settings, deps, context, signal) {
    if (!(await isAssumableByAnyone(settings, deps, context, signal))) return [];
    return [
      {
        code: "s3s.external_id_not_required",
        message: `The role ${settings.role_arn} can be assumed without the external id. Add the condition StringEquals sts:ExternalId "${context.organizationExternalId}" to its trust policy, or other customers of this installation who learn its name can use it.`,
      },
    ];
  },
});
