import { Secret } from "@bucketbridge/core";
import { startGcsFake, type GcsAwsCaller, type GcsFake } from "@bucketbridge/testkit/gcs-fake";
import { startStsFake, type StsFake } from "@bucketbridge/testkit/sts-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { createEgress } from "../../egress/create-egress.ts";
import { openGcs, OWNER, POOL_FIELDS } from "../../testing/gcs-harness.ts";
import { gcswifProvider } from "./index.ts";

const ROLE = "arn:aws:iam::123456789012:role/wif";
const PLATFORM = { accessKeyId: "AKIAPLATFORM", secretAccessKey: "platform-secret" };
const POOL = "principalSet:pool";
const egress = createEgress({ allow: ["loopback"], denied: [] });

/** The sessions that STS gave out, as Google would learn them from AWS. */
const sessions: GcsAwsCaller[] = [];
let sts: StsFake;
let fake: GcsFake;

beforeAll(async () => {
  sts = await startStsFake({
    principals: [{ ...PLATFORM, arn: "arn:aws:iam::123456789012:user/platform" }],
    roles: [{ arn: ROLE }],
    onSession: (key) => {
      const name = sts.calls.at(-1)?.["RoleSessionName"] ?? "";
      sessions.push({ ...key, arn: `arn:aws:sts::123456789012:assumed-role/wif/${name}` });
    },
  });
  fake = await startGcsFake({
    buckets: ["suite"],
    accounts: [{ email: OWNER, actors: [POOL] }],
    pools: [
      {
        name: POOL,
        audience:
          "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/suite-pool/providers/suite-aws",
        // The attribute condition that the customer of the first organisation wrote.
        acceptsArn: (arn) => arn === "arn:aws:sts::123456789012:assumed-role/wif/org-first",
      },
    ],
    awsCallers: sessions,
  });
});
afterAll(async () => {
  await egress.close();
  await fake.close();
  await sts.close();
});

function openFor(organizationExternalId: string): Promise<StorageDriver> {
  const fields = { bucket: "suite", google_service_account_email: OWNER, ...POOL_FIELDS };
  const keys = {
    accessKeyId: PLATFORM.accessKeyId,
    secretAccessKey: new Secret(PLATFORM.secretAccessKey),
    sessionToken: undefined,
  };
  return openGcs(gcswifProvider, fields, {
    egress,
    aws: { keys, stsEndpoint: sts.endpoint },
    gcp: { endpoints: fake.endpoints, subjectToken: { kind: "aws", roleArn: ROLE } },
    context: { isOnlyOrganization: false, organizationExternalId },
  });
}

describe("several organisations behind one identity", () => {
  const request = { prefix: "", recursive: true, limit: 1 };
  const ctx = { signal: new AbortController().signal };

  it("reach the pool in sessions of their own, named by their external ids", async () => {
    const driver = await openFor("org-first");
    expect((await driver.listPage(request, ctx)).keys).toEqual([]);
    expect(sts.calls.at(-1)).toMatchObject({ RoleArn: ROLE, RoleSessionName: "org-first" });
  });

  it("cannot use the pool of another, whose condition names another external id", async () => {
    const driver = await openFor("org-second");
    const error: unknown = await driver.listPage(request, ctx).catch((thrown: unknown) => thrown);
    expect(driver.classifyError(error)).toMatchObject({
      code: "permission_denied",
      reason: "gcs.federation_denied",
    });
  });

  it("are told when the platform may not assume its role", async () => {
    sts.failNext(403, "AccessDenied", "not authorized to perform: sts:AssumeRole");
    const driver = await openFor("org-first");
    await expect(driver.listPage(request, ctx)).rejects.toMatchObject({
      code: expect.stringMatching(/permission_denied|unauthenticated/) as string,
    });
  });
});
