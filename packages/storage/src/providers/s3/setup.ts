import {
  ASK_OPERATOR,
  jsonSection,
  toRanges,
  VPN_RANGE,
  type SetupFacts,
  type SetupSection,
} from "../setup.ts";
import { escapePattern } from "./session-policy.ts";

interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: Readonly<Record<string, unknown>>;
  readonly Action: readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, unknown>>;
}

const KMS_KEY = "arn:aws:kms:<region>:<account>:key/<key id>";

/** What the owner of a bucket does for a storage with an IAM user's keys. */
export function writeS3Setup(facts: SetupFacts): readonly SetupSection[] {
  return [
    ...writePolicies(facts, "the IAM user whose keys the storage has"),
    ...writeBucketSections(facts, "arn:aws:iam::<account>:user/<user>"),
  ];
}

/** What the owner of a bucket does for a storage with a role. */
export function writeS3sSetup(facts: SetupFacts): readonly SetupSection[] {
  return [
    ...writeTrust(facts),
    ...writePolicies(facts, "the role"),
    ...writeBucketSections(facts, "arn:aws:iam::<account>:role/<role>"),
  ];
}

function writeTrust(facts: SetupFacts): readonly SetupSection[] {
  const { awsPrincipal = ASK_OPERATOR, awsFormerPrincipal: former } = facts;
  const section = jsonSection(
    "trust_policy",
    "Trust policy of the role",
    toTrustPolicy(awsPrincipal, facts),
    "The external id is your organisation's and never changes. Without the condition, other customers of this installation could use the role.",
  );
  if (former === undefined) return [section];
  return [
    section,
    jsonSection(
      "trust_policy_rotation",
      "Trust policy while storages still use the former principal (legacy_auth)",
      toTrustPolicy([awsPrincipal, former], facts),
      "Once no storage has legacy_auth any more, use the trust policy with the current principal alone.",
    ),
  ];
}

function toTrustPolicy(principal: string | readonly string[], { externalId }: SetupFacts): unknown {
  return toPolicy({
    Sid: "AssumeForLabeling",
    Effect: "Allow",
    Principal: { AWS: principal },
    Action: ["sts:AssumeRole"],
    Condition: { StringEquals: { "sts:ExternalId": externalId } },
  });
}

function writePolicies(facts: SetupFacts, whose: string): readonly SetupSection[] {
  const objects = toObjectsArn(facts);
  const put = allow("WriteAnnotations", ["s3:PutObject"], objects);
  const read = allow("ReadObjects", ["s3:GetObject"], objects);
  return [
    jsonSection(
      "source_policy",
      `Least policy of a source, for ${whose}`,
      toPolicy(listStatement(facts), read),
      "A source by the files method makes its tasks with s3:ListBucket alone; s3:GetObject is what shows their media.",
    ),
    jsonSection("target_policy", `Least policy of a target, for ${whose}`, toPolicy(put)),
    jsonSection(
      "target_delete_statement",
      "Statement for a target with can_delete_objects",
      allow("DeleteAnnotations", ["s3:DeleteObject"], objects),
    ),
    jsonSection(
      "target_compare_statement",
      "Statement for comparing a target with its bucket",
      listStatement(facts),
      "Only for POST /api/v1/targets/{id}/reconcile.",
    ),
    jsonSection(
      "kms_source_statement",
      "Statement for a source whose objects are encrypted by a KMS key (SSE-KMS)",
      allow("Decrypt", ["kms:Decrypt"], KMS_KEY),
      "The policy of the key must let the account use IAM policies.",
    ),
    jsonSection(
      "kms_target_statement",
      "Statement for a target that writes with a KMS key (SSE-KMS)",
      allow("Encrypt", ["kms:GenerateDataKey"], KMS_KEY),
    ),
  ];
}

function writeBucketSections(facts: SetupFacts, principal: string): readonly SetupSection[] {
  const cors = [
    {
      AllowedOrigins: [facts.origin],
      AllowedMethods: ["GET", "HEAD"],
      AllowedHeaders: ["*"],
      ExposeHeaders: ["Accept-Ranges", "Content-Length", "Content-Range", "Content-Type", "ETag"],
      MaxAgeSeconds: 3_600,
    },
  ];
  return [
    jsonSection(
      "cors",
      "CORS rules of the bucket",
      cors,
      "Permissions › Cross-origin resource sharing, for signed URLs that browsers open.",
    ),
    ...writeBucketPolicies(facts, principal),
  ];
}

const WRITES = ["s3:ListBucket", "s3:PutObject", "s3:DeleteObject"];

function writeBucketPolicies(facts: SetupFacts, principal: string): readonly SetupSection[] {
  const platform = toRanges(facts.outgoingAddresses);
  if (platform.length === 0) return [];
  const deny = (Sid: string, Action: readonly string[], ranges: readonly string[]): Statement => ({
    ...{ Sid, Effect: "Deny", Principal: { AWS: principal }, Action },
    Resource: [toBucketArn(facts), `${toBucketArn(facts)}/*`],
    Condition: { NotIpAddress: { "aws:SourceIp": ranges } },
  });
  const undo = "To undo it, remove the statements from the bucket policy.";
  return [
    jsonSection(
      "bucket_policy",
      "Bucket policy: the credentials work from the platform's addresses alone",
      toPolicy(deny("OnlyFromPlatform", [...WRITES, "s3:GetObject"], platform)),
      `For storages with pre-signed URLs off, whose media stream through the platform. ${undo}`,
    ),
    jsonSection(
      "bucket_policy_vpn",
      "Bucket policy: the same, and annotators open signed URLs from your VPN",
      toPolicy(
        deny("OnlyFromPlatform", WRITES, platform),
        deny("ReadFromPlatformOrVpn", ["s3:GetObject"], [...platform, VPN_RANGE]),
      ),
      `A signed URL counts as a request of the credentials from the annotator's own address. ${undo}`,
    ),
  ];
}

function listStatement(facts: SetupFacts): Statement {
  const list = allow("ListObjects", ["s3:ListBucket"], toBucketArn(facts));
  if (facts.prefix === "") return list;
  const folder = escapePattern(facts.prefix);
  // The check of a connection asks for the prefix as it was typed.
  const prefixes = [`${folder}*`, folder.replace(/\/$/, "")];
  return { ...list, Condition: { StringLike: { "s3:prefix": prefixes } } };
}

function allow(sid: string, actions: readonly string[], resource: string): Statement {
  return { Sid: sid, Effect: "Allow", Action: actions, Resource: resource };
}

function toPolicy(...statements: readonly Statement[]): unknown {
  return { Version: "2012-10-17", Statement: statements };
}

function toBucketArn({ bucket }: SetupFacts): string {
  return bucket.startsWith("arn:") ? bucket : `arn:aws:s3:::${bucket}`;
}

function toObjectsArn(facts: SetupFacts): string {
  const below = facts.bucket.startsWith("arn:") ? "/object/" : "/";
  return `${toBucketArn(facts)}${below}${escapePattern(facts.prefix)}*`;
}
