import { describe, expect, it } from "vitest";
import { toPlatformView } from "./view.ts";

const facts = { externalId: "e-1", outgoingAddresses: ["192.0.2.1"] };
const gcp = { problem: "not there" };

describe("toPlatformView", () => {
  it("takes account and role out of the ARN of a role", () => {
    const aws = { name: "arn:aws:iam::123456789012:role/team/importer" };
    const awsFormer = { name: "arn:aws:iam::123456789012:user/old" };
    expect(toPlatformView({ ...facts, principals: { aws, awsFormer, gcp } })).toEqual({
      aws: {
        principalArn: aws.name,
        account: "123456789012",
        role: "importer",
        formerPrincipalArn: awsFormer.name,
        externalId: "e-1",
        problem: null,
      },
      gcp: { serviceAccount: null, problem: "not there" },
      outgoingAddresses: ["192.0.2.1"],
    });
  });

  it("says why it knows no principal", () => {
    const aws = { problem: "none is configured" };
    const view = toPlatformView({ ...facts, principals: { aws, awsFormer: undefined, gcp } });
    expect(view.aws).toMatchObject({
      principalArn: null,
      account: null,
      role: null,
      problem: aws.problem,
    });
  });
});
