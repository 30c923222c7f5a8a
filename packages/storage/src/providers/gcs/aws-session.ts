import { AppError, Secret } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import type { AwsKeys, AwsPlatform } from "../provider-deps.ts";

/** As what the platform signs. */
export interface AwsKeysRequest {
  /** Undefined: as itself. */
  readonly session: { readonly roleArn: string; readonly sessionName: string } | undefined;
  readonly signal: AbortSignal;
}

/** The keys by which the platform proves who it is at AWS. Throws `invalid_config` where it is nobody there. */
export async function findAwsKeys(
  aws: AwsPlatform,
  egress: Egress,
  { session, signal }: AwsKeysRequest,
): Promise<AwsKeys> {
  const { keys } = aws;
  if (keys === undefined) {
    throw new AppError({
      code: "invalid_config",
      reason: "gcs.no_aws_identity",
      message:
        "this platform has no identity at AWS to show to a workload identity pool; ask the operator to configure one, or another kind of subject token",
    });
  }
  if (session === undefined) return keys;
  const { STSClient, AssumeRoleCommand } = await import("@aws-sdk/client-sts");
  const client = new STSClient({
    region: aws.region ?? "us-east-1",
    ...(aws.stsEndpoint === undefined ? {} : { endpoint: aws.stsEndpoint }),
    credentials: {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey.reveal(),
      ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken.reveal() }),
    },
    maxAttempts: 1,
    requestHandler: { httpAgent: egress.httpAgent, httpsAgent: egress.httpsAgent },
  });
  const { Credentials: found } = await client.send(
    new AssumeRoleCommand({ RoleArn: session.roleArn, RoleSessionName: session.sessionName }),
    { abortSignal: signal },
  );
  return {
    accessKeyId: found?.AccessKeyId ?? "",
    secretAccessKey: new Secret(found?.SecretAccessKey ?? ""),
    sessionToken: new Secret(found?.SessionToken ?? ""),
  };
}
