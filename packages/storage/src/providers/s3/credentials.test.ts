import http from "node:http";
import type { AddressInfo } from "node:net";
import { Secret } from "@bucketbridge/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import { createPlatformEgress } from "../../egress/platform-egress.ts";
import { makeProviderDeps, makeStorageContext } from "../../testing/provider-deps.ts";
import type { AmbientSettings, AwsPlatform } from "../provider-deps.ts";
import { resolveCredentials } from "./credentials.ts";
import { s3Settings } from "./settings.ts";

const OPERATOR = {
  s3Credentials: {
    accessKeyId: "AKIAOPERATOR",
    secretAccessKey: new Secret("operator"),
    sessionToken: undefined,
  },
};
const NO_CREDENTIALS = {
  code: "invalid_config",
  reason: "s3.no_credentials",
  message: "Unable to resolve AWS credentials for this S3 connection.",
};
const egress = createEgress({ allow: [], denied: [] });

interface Installation {
  readonly ambient?: AmbientSettings;
  readonly isOnlyOrganization?: boolean;
  readonly aws?: AwsPlatform;
  readonly hosts?: readonly string[];
}

async function keyOf(fields: Record<string, unknown>, installation: Installation) {
  const { ambient = {}, isOnlyOrganization = true, aws = {}, hosts = [] } = installation;
  const platformEgress = createPlatformEgress({ hosts, denied: [] });
  const platform = { egress: platformEgress, aws, gcp: {}, azure: {} };
  const deps = makeProviderDeps(egress, { ambient, platform });
  const context = makeStorageContext({ isOnlyOrganization });
  const session = await resolveCredentials(s3Settings.parse(fields), deps, context).get();
  return [session.accessKeyId, session.secretAccessKey.reveal(), session.sessionToken?.reveal()];
}

describe("resolveCredentials", () => {
  it("takes the storage's own key pair, without the operator's token", async () => {
    const own = { aws_access_key_id: "AKIAOWN", aws_secret_access_key: "own" };
    expect(await keyOf(own, { ambient: OPERATOR })).toEqual(["AKIAOWN", "own", undefined]);
  });

  it("takes the operator's where the storage has none and only one organisation exists", async () => {
    expect(await keyOf({}, { ambient: OPERATOR })).toContain("AKIAOPERATOR");
  });

  it("keeps the operator's to the buckets that he lists where there are several organisations", async () => {
    const installation = {
      ambient: { ...OPERATOR, buckets: ["shared"] },
      isOnlyOrganization: false,
    };
    expect(await keyOf({ bucket: "shared" }, installation)).toContain("AKIAOPERATOR");
    await expect(keyOf({ bucket: "other" }, installation)).rejects.toMatchObject(NO_CREDENTIALS);
    await expect(keyOf({}, installation)).rejects.toMatchObject(NO_CREDENTIALS);
  });

  it.each([
    [{ s3_endpoint: "https://evil.example" }, { ambient: OPERATOR }],
    [
      { s3_endpoint: "https://evil.example", bucket: "b" },
      { ambient: { ...OPERATOR, buckets: ["b"] } },
    ],
    [{}, {}],
  ])(
    "never sends the operator's key to a user's endpoint, and says so: %j",
    async (fields, offered) => {
      await expect(keyOf(fields, offered)).rejects.toMatchObject(NO_CREDENTIALS);
    },
  );

  it("keeps secrets out of every text", () => {
    const values = {
      aws_access_key_id: "A",
      aws_secret_access_key: "hunter2",
      aws_session_token: "token2",
    };
    const deps = makeProviderDeps(egress);
    const found = resolveCredentials(s3Settings.parse(values), deps, makeStorageContext());
    expect(JSON.stringify(found)).not.toMatch(/hunter2|token2/);
  });
});

describe("what AWS gives the machine", () => {
  const expiration = new Date(Date.now() + 3_600_000).toISOString();
  const answer = {
    AccessKeyId: "ASIAMACHINE",
    SecretAccessKey: "s",
    Token: "t",
    Expiration: expiration,
  };
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    const token = request.headers["x-aws-ec2-metadata-token"] ?? request.headers.authorization;
    asked.push(`${request.method ?? ""} ${request.url ?? ""} ${String(token)}`);
    if (request.url === "/latest/api/token") response.end("imds-token");
    else if (request.url?.endsWith("/security-credentials/") === true) response.end("the-role");
    else response.end(JSON.stringify(answer));
  });
  let origin = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("is used by an instance, by version 2 of its metadata service", async () => {
    asked.length = 0;
    const aws = { metadataEndpoint: origin };
    expect(await keyOf({}, { aws, hosts: [origin] })).toEqual(["ASIAMACHINE", "s", "t"]);
    expect(asked).toEqual([
      "PUT /latest/api/token undefined",
      "GET /latest/meta-data/iam/security-credentials/ imds-token",
      "GET /latest/meta-data/iam/security-credentials/the-role imds-token",
    ]);
  });

  it("is used by a container, with its token", async () => {
    asked.length = 0;
    const aws = { container: { url: `${origin}/v2/creds?x=1`, token: new Secret("pod-token") } };
    expect(await keyOf({}, { aws, hosts: [origin] })).toContain("ASIAMACHINE");
    expect(asked).toEqual(["GET /v2/creds?x=1 pod-token"]);
  });

  it("is not asked for at a host that the operator did not name", async () => {
    asked.length = 0;
    const aws = { metadataEndpoint: origin };
    await expect(keyOf({}, { aws })).rejects.toMatchObject(NO_CREDENTIALS);
    expect(asked).toEqual([]);
  });

  it("is not sent to a store that is not AWS, not even the operator's", async () => {
    const ambient = { s3Endpoint: "https://minio.operator.example" };
    const installation = { ambient, aws: { metadataEndpoint: origin }, hosts: [origin] };
    await expect(keyOf({}, installation)).rejects.toMatchObject(NO_CREDENTIALS);
  });
});
