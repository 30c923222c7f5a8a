import { Secret, silentLogger } from "@bucketbridge/core";
import { createOrganizationRepository } from "@bucketbridge/db";
import { createEgress } from "@bucketbridge/storage/egress";
import { createPlatformEgress } from "@bucketbridge/storage/platform-egress";
import { findPlatformPrincipals, type PlatformAccess } from "@bucketbridge/storage/providers";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit";
import { startStsFake, type StsFake } from "@bucketbridge/testkit/sts-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStores } from "../src/stores/provider-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

const ROLE = "arn:aws:iam::123456789012:role/importer";
const LOOSE_ROLE = "arn:aws:iam::123456789012:role/loose";
const PRINCIPAL = {
  arn: "arn:aws:iam::999999999999:user/bucketbridge",
  accessKeyId: "AKIAPLATFORM",
  secretAccessKey: "platform-secret",
};

describe("storages of a customer's role", () => {
  let s3: S3Fake;
  let sts: StsFake;
  let externalId = "";
  let project = 0;

  const api = useApi("api_roles", async (deps) => {
    s3 = await startS3Fake({ buckets: ["cats"], accessKeys: [] });
    sts = await startStsFake({
      principals: [PRINCIPAL],
      roles: [{ arn: LOOSE_ROLE }],
      onSession: (key) => {
        s3.addAccessKey(key);
      },
    });
    const { accessKeyId } = PRINCIPAL;
    const secretAccessKey = new Secret(PRINCIPAL.secretAccessKey);
    const keys = { accessKeyId, secretAccessKey, sessionToken: undefined };
    const platform: PlatformAccess = {
      egress: createPlatformEgress({ hosts: [sts.endpoint], denied: [] }),
      aws: { keys, stsEndpoint: sts.endpoint },
      gcp: {},
      azure: {},
    };
    const egress = createEgress({ allow: ["loopback"], denied: [] });
    const localFiles = { documentRoot: undefined, servingEnabled: false };
    const provider = { egress, log: silentLogger, localFiles, ambient: {}, platform };
    return {
      ...deps,
      stores: createStores({ provider, organizations: deps.organizations, idleMs: 5_000 }),
      platform: {
        findPrincipals: (signal) => findPlatformPrincipals(platform, signal),
        outgoingAddresses: ["192.0.2.7"],
        gcpSubject: { kind: "aws", roleArn: undefined },
      },
    };
  });

  beforeAll(async () => {
    for (const key of ["in/a.jpg", "in/b.jpg"]) s3.putObject("cats", key, key);
    const organizations = createOrganizationRepository(api().database);
    ({ externalId } = await organizations.getFacts(api().owner.organizationId));
    sts.roles.push({ arn: ROLE, trusts: [PRINCIPAL.arn], externalId });
    const made = await call({ method: "POST", url: "/api/projects/", payload: {} }, 201);
    project = Number(made["id"]);
  });
  afterAll(async () => {
    await Promise.all([s3.close(), sts.close()]);
  });

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.body === "" ? {} : response.json<Json>();
  }
  const create = (payload: Json, status = 201, url = "/api/storages/s3s/") =>
    call(
      {
        method: "POST",
        url,
        payload: { project, bucket: "cats", s3_endpoint: s3.endpoint, role_arn: ROLE, ...payload },
      },
      status,
    );

  it("are created as source and target, and shown with their role", async () => {
    const source = await create({ prefix: "in" });
    expect(source).toMatchObject({ type: "s3s", role_arn: ROLE, bucket: "cats" });
    expect(source["warnings"]).toBeUndefined();
    await create({ prefix: "out", external_id: externalId }, 201, "/api/storages/export/s3s");
    const preview = await call({
      method: "POST",
      url: "/api/storages/s3s/files",
      payload: { project, id: source["id"] },
    });
    expect((preview["files"] as Json[]).map(({ key }) => key)).toEqual(["in/a.jpg", "in/b.jpg"]);
  });

  it("need a role", async () => {
    const answer = await create({ role_arn: undefined }, 400);
    expect(JSON.stringify(answer["validation_errors"])).toContain("role_arn");
  });

  it("cannot be given another external id than the organisation's", async () => {
    const answer = await create({ external_id: "somebody-else" }, 400);
    expect(JSON.stringify(answer["validation_errors"])).toContain("not that of your organisation");
  });

  it("say what to put into the trust policy that refuses", async () => {
    const answer = await create({ role_arn: "arn:aws:iam::123456789012:role/none" }, 400);
    const text = JSON.stringify(answer["validation_errors"]);
    expect(text).toContain(PRINCIPAL.arn);
    expect(text).toContain(externalId);
  });

  it("refuse a target, too, whose role cannot be assumed", async () => {
    const role_arn = "arn:aws:iam::123456789012:role/none";
    await create({ role_arn }, 400, "/api/storages/export/s3s");
  });

  it("come with a warning when the role can be assumed without the external id", async () => {
    const { warnings } = await create({ role_arn: LOOSE_ROLE });
    expect(warnings).toContainEqual(
      expect.objectContaining({ code: "s3s.external_id_not_required" }),
    );
  });

  it("find in the platform view whom to trust", async () => {
    expect(await call({ url: "/api/v1/platform" })).toMatchObject({
      aws: {
        principalArn: PRINCIPAL.arn,
        account: "999999999999",
        role: null,
        formerPrincipalArn: null,
        externalId,
        problem: null,
      },
      outgoingAddresses: ["192.0.2.7"],
    });
    const asked = () => sts.calls.filter((made) => made["Action"] === "GetCallerIdentity").length;
    const before = asked();
    await call({ url: "/api/v1/platform" });
    expect(asked()).toBe(before);
  });
});
