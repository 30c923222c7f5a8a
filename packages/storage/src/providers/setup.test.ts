import { describe, expect, it } from "vitest";
import { PROVIDER_NAMES, type ProviderName } from "./registry.ts";
import { loadSetup } from "./setup-registry.ts";
import type { SetupFacts, SetupSection } from "./setup.ts";

const FACTS: SetupFacts = {
  bucket: "pets",
  prefix: "in/",
  externalId: "11111111-2222-3333-4444-555555555555",
  origin: "https://label.example.org",
  awsPrincipal: "arn:aws:iam::999999999999:role/team/platform",
  awsFormerPrincipal: "arn:aws:iam::999999999999:user/old",
  gcpServiceAccount: "platform@p.iam.gserviceaccount.com",
  gcpSubject: { kind: "aws", roleArn: "arn:aws:iam::999999999999:role/team/pools" },
  outgoingAddresses: ["192.0.2.1", "2001:db8::1", "198.51.100.0/28"],
};

interface Statement {
  readonly Effect: string;
  readonly Principal?: unknown;
  readonly Action: readonly string[];
  readonly Resource?: unknown;
  readonly Condition?: unknown;
}

async function write(type: ProviderName, change: Partial<SetupFacts> = {}) {
  const sections = (await loadSetup(type))({ ...FACTS, ...change });
  const find = (id: string): SetupSection => {
    const found = sections.find((section) => section.id === id);
    if (found === undefined) throw new TypeError(`${type} has no section ${id}`);
    return found;
  };
  return {
    sections,
    text: (id: string) => find(id).text,
    json: (id: string) => JSON.parse(find(id).text) as unknown,
    statements: (id: string) => (JSON.parse(find(id).text) as { Statement: Statement[] }).Statement,
  };
}

describe.each(PROVIDER_NAMES)("set-up help of %s", (type) => {
  it("has sections with names of their own, and documents that parse", async () => {
    const { sections } = await write(type);
    expect(new Set(sections.map(({ id }) => id)).size).toBe(sections.length);
    expect(sections.length).toBeGreaterThan(1);
    for (const { format, text, title } of sections) {
      expect(title).not.toBe("");
      expect(text).not.toMatch(/undefined|\[object/);
      if (format === "json") expect(() => JSON.parse(text) as unknown).not.toThrow();
    }
  });

  it("writes nothing about addresses that nobody has named", async () => {
    const { sections } = await write(type, { outgoingAddresses: [] });
    const ids = sections.map(({ id }) => id).join(" ");
    expect(ids).not.toMatch(/bucket_policy|ip_filter|firewall|ip_access/);
  });
});

describe.each(["s3", "s3s"] as const)("policies of %s", (type) => {
  const LISTED = {
    Resource: "arn:aws:s3:::pets",
    Condition: { StringLike: { "s3:prefix": ["in/*", "in"] } },
  };

  it("allow a source to list its prefix and to read below it, and nothing else", async () => {
    const { statements } = await write(type);
    expect(statements("source_policy")).toEqual([
      { Sid: "ListObjects", Effect: "Allow", Action: ["s3:ListBucket"], ...LISTED },
      {
        ...{ Sid: "ReadObjects", Effect: "Allow", Action: ["s3:GetObject"] },
        Resource: "arn:aws:s3:::pets/in/*",
      },
    ]);
  });

  it("allow a target to put, and nothing else", async () => {
    const { statements, json } = await write(type);
    expect(statements("target_policy")).toEqual([
      {
        ...{ Sid: "WriteAnnotations", Effect: "Allow", Action: ["s3:PutObject"] },
        Resource: "arn:aws:s3:::pets/in/*",
      },
    ]);
    expect(json("target_delete_statement")).toMatchObject({ Action: ["s3:DeleteObject"] });
    expect(json("target_compare_statement")).toMatchObject({
      Action: ["s3:ListBucket"],
      ...LISTED,
    });
  });

  it("use a key to decrypt what a source reads and to encrypt what a target writes", async () => {
    const { json } = await write(type);
    expect(json("kms_source_statement")).toMatchObject({ Action: ["kms:Decrypt"] });
    expect(json("kms_target_statement")).toMatchObject({ Action: ["kms:GenerateDataKey"] });
  });

  it("let a whole bucket be listed where the storage has no prefix, and quote wildcards", async () => {
    const whole = await write(type, { prefix: "" });
    expect(whole.statements("source_policy")[0]).not.toHaveProperty("Condition");
    const odd = await write(type, { prefix: "a*b/" });
    expect(odd.statements("target_policy")[0]?.Resource).toBe("arn:aws:s3:::pets/a${*}b/*");
  });

  it("know access points by their ARN", async () => {
    const bucket = "arn:aws:s3:eu-west-1:123456789012:accesspoint/pets";
    const { statements } = await write(type, { bucket });
    expect(statements("target_policy")[0]?.Resource).toBe(`${bucket}/object/in/*`);
  });

  it("deny all addresses but the platform's, and the VPN's for signed URLs", async () => {
    const { statements } = await write(type);
    const platform = ["192.0.2.1/32", "2001:db8::1/128", "198.51.100.0/28"];
    const only = (ranges: readonly string[]) => ({ NotIpAddress: { "aws:SourceIp": ranges } });
    const writes = ["s3:ListBucket", "s3:PutObject", "s3:DeleteObject"];
    expect(statements("bucket_policy")).toMatchObject([
      { Effect: "Deny", Action: [...writes, "s3:GetObject"], Condition: only(platform) },
    ]);
    expect(statements("bucket_policy_vpn")).toMatchObject([
      { Effect: "Deny", Action: writes, Condition: only(platform) },
      {
        ...{ Effect: "Deny", Action: ["s3:GetObject"] },
        Condition: only([...platform, expect.stringContaining("VPN") as unknown as string]),
      },
    ]);
  });

  it("let browsers GET and HEAD from the pages alone", async () => {
    const { json } = await write(type);
    expect(json("cors")).toMatchObject([
      { AllowedOrigins: [FACTS.origin], AllowedMethods: ["GET", "HEAD"] },
    ]);
  });
});

describe("trust policies of s3s", () => {
  const condition = { StringEquals: { "sts:ExternalId": FACTS.externalId } };

  it("name the principal and demand the external id", async () => {
    const { statements } = await write("s3s");
    expect(statements("trust_policy")).toEqual([
      {
        ...{ Sid: "AssumeForLabeling", Effect: "Allow", Action: ["sts:AssumeRole"] },
        ...{ Principal: { AWS: FACTS.awsPrincipal }, Condition: condition },
      },
    ]);
  });

  it("name both principals during a rotation, and demand it of both", async () => {
    const { statements } = await write("s3s");
    expect(statements("trust_policy_rotation")).toMatchObject([
      {
        Principal: { AWS: [FACTS.awsPrincipal, FACTS.awsFormerPrincipal] },
        Condition: condition,
      },
    ]);
    const { sections } = await write("s3s", { awsFormerPrincipal: undefined });
    expect(sections.map(({ id }) => id)).not.toContain("trust_policy_rotation");
  });

  it("hold a placeholder for a principal that nobody knows", async () => {
    const { text } = await write("s3s", { awsPrincipal: undefined });
    expect(text("trust_policy")).toContain("<ask the operator of this installation>");
  });
});

describe("set-up help of Google", () => {
  it.each(["pool_terraform", "pool_gcloud"])(
    "believes in %s the platform's role in a session of the external id alone",
    async (id) => {
      const { text } = await write("gcswif");
      const written = text(id);
      expect(written).toContain(
        `attribute.aws_role == 'pools' && attribute.external_id == '${FACTS.externalId}'`,
      );
      expect(written).toContain("assertion.arn.extract('assumed-role/pools/{session}')");
      expect(written).toContain("999999999999");
      expect(written).toContain(`/attribute.external_id/${FACTS.externalId}`);
      expect(written).toContain("roles/iam.workloadIdentityUser");
    },
  );

  it("believes the role or the user that all organisations share, and says so", async () => {
    const shared = { gcpSubject: { kind: "aws", roleArn: undefined } } as const;
    const role = await write("gcswif", shared);
    expect(role.text("pool_gcloud")).toContain("attribute.aws_role == 'platform'");
    expect(role.sections[0]?.note).toContain("BUCKETBRIDGE_GCP_AWS_ROLE_ARN");
    const awsPrincipal = "arn:aws:iam::999999999999:user/platform";
    const user = await write("gcswif", { ...shared, awsPrincipal });
    expect(user.text("pool_gcloud")).toContain(`assertion.arn == '${awsPrincipal}'`);
  });

  it("grants impersonation to the platform's own account", async () => {
    const { text } = await write("gcs_sa");
    expect(text("impersonation")).toContain(
      "--member=serviceAccount:platform@p.iam.gserviceaccount.com --role=roles/iam.serviceAccountTokenCreator",
    );
  });

  it.each(["gcs", "gcs_sa", "gcswif"] as const)(
    "grants %s a role on the bucket, and lets pages GET and HEAD",
    async (type) => {
      const { text, json } = await write(type);
      expect(text("source_role")).toMatch(/gs:\/\/pets .*roles\/storage\.objectViewer$/s);
      expect(text("target_role")).toMatch(/gs:\/\/pets .*roles\/storage\.objectUser$/s);
      expect(json("cors")).toMatchObject([{ origin: [FACTS.origin], method: ["GET", "HEAD"] }]);
      expect(json("ip_filter")).toMatchObject({
        publicNetworkSource: {
          allowedIpCidrRanges: ["192.0.2.1/32", "2001:db8::1/128", "198.51.100.0/28"],
        },
        vpcNetworkSources: [{ network: expect.stringContaining("networks/") as unknown }],
      });
      expect(text("ip_filter_off")).toContain("--clear-ip-filter");
    },
  );
});

describe("set-up help of Azure", () => {
  it("assigns roles on the container, and the one for signing on the account", async () => {
    const { text } = await write("azure_spi");
    expect(text("source_role")).toMatch(/"Storage Blob Data Reader" .*\/containers\/pets"$/);
    expect(text("target_role")).toMatch(/"Storage Blob Data Contributor" .*\/containers\/pets"$/);
    expect(text("sign_role")).toMatch(/"Storage Blob Delegator" .*\/storageAccounts\/<account>"$/);
  });

  it("lets pages GET, HEAD and OPTIONS, and the platform through the firewall", async () => {
    const { text } = await write("azure");
    expect(text("cors")).toContain(
      "--methods GET HEAD OPTIONS --origins 'https://label.example.org'",
    );
    expect(text("firewall")).toContain("--ip-address 192.0.2.1\n");
    expect(text("firewall")).not.toContain("2001:db8");
  });
});

describe("set-up help of other stores", () => {
  it("gives users of Redis the commands that they need, below their path", async () => {
    const { text } = await write("redis", { bucket: "labels:" });
    expect(text("source_user")).toMatch(
      /'~labels:\*' -@all \+select \+scan \+type \+strlen \+get \+getrange$/,
    );
    expect(text("target_user")).toMatch(/-@all \+select \+set$/);
  });

  it("grants the privileges of a volume", async () => {
    const { text } = await write("databricks", { bucket: "main.default.pets" });
    expect(text("source_grants")).toContain("GRANT READ VOLUME ON VOLUME `main`.`default`.`pets`");
    expect(text("target_grants")).toContain("GRANT WRITE VOLUME ON VOLUME `main`.`default`.`pets`");
  });
});
