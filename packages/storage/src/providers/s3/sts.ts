import type * as Sdk from "@aws-sdk/client-sts";
import { AppError, Secret } from "@bucketbridge/core";
import type { Egress } from "../../egress/egress.ts";
import { collectAnswer } from "./answer-limit.ts";
import type { AwsSession, CredentialSource } from "./sessions.ts";

/** Where STS is, and the only way to it. */
export interface StsPlace {
  readonly egress: Egress;
  readonly region: string;
  /** Undefined: AWS's own for the region. */
  readonly endpoint: string | undefined;
}

/** A role to assume. */
export interface AssumeRoleRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly externalId?: string | undefined;
  readonly policy?: string | undefined;
}

/** The shortest session that AWS gives: a role that is revoked ends our access soon. */
const SESSION_SECONDS = 900;

const CONNECT_TIMEOUT_MS = 3_000;
const ANSWER_TIMEOUT_MS = 8_000;
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Assumes a role. Rejects with the SDK's error. */
export async function assumeRole(
  place: StsPlace,
  base: CredentialSource,
  request: AssumeRoleRequest,
  signal: AbortSignal,
): Promise<AwsSession> {
  const sdk = await loadSts();
  const command = new sdk.AssumeRoleCommand({
    RoleArn: request.roleArn,
    RoleSessionName: request.sessionName,
    DurationSeconds: SESSION_SECONDS,
    ...(request.externalId === undefined ? {} : { ExternalId: request.externalId }),
    ...(request.policy === undefined ? {} : { Policy: request.policy }),
  });
  const client = connect(sdk, place, await base.get(signal));
  return toSession(await client.send(command, { abortSignal: signal }));
}

/** Assumes a role by the token of a pod's service account; the request needs no keys. */
export async function assumeRoleByToken(
  place: StsPlace,
  request: AssumeRoleRequest & { readonly token: string },
  signal: AbortSignal,
): Promise<AwsSession> {
  const sdk = await loadSts();
  const command = new sdk.AssumeRoleWithWebIdentityCommand({
    RoleArn: request.roleArn,
    RoleSessionName: request.sessionName,
    WebIdentityToken: request.token,
  });
  const client = connect(sdk, place, undefined);
  return toSession(await client.send(command, { abortSignal: signal }));
}

/** The ARN of whoever has these keys. */
export async function getCallerArn(
  place: StsPlace,
  keys: CredentialSource,
  signal: AbortSignal,
): Promise<string> {
  const sdk = await loadSts();
  const client = connect(sdk, place, await keys.get(signal));
  const { Arn } = await client.send(new sdk.GetCallerIdentityCommand({}), { abortSignal: signal });
  if (Arn === undefined) throw noAnswer();
  return Arn;
}

/** One client per request: keys change with each session, and the sockets are those of the egress. */
function connect(sdk: typeof Sdk, place: StsPlace, keys: AwsSession | undefined): Sdk.STSClient {
  const { egress, region, endpoint } = place;
  const client = new sdk.STSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    credentials:
      keys === undefined
        ? () => Promise.reject(noAnswer())
        : {
            accessKeyId: keys.accessKeyId,
            secretAccessKey: keys.secretAccessKey.reveal(),
            ...(keys.sessionToken === undefined
              ? {}
              : { sessionToken: keys.sessionToken.reveal() }),
          },
    maxAttempts: 2,
    logger: SILENT,
    requestHandler: {
      httpAgent: egress.httpAgent,
      httpsAgent: egress.httpsAgent,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: ANSWER_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      logger: SILENT,
    },
  });
  readErrorsOfS3(client);
  return client;
}

/** Ceph sends the errors of its STS as those of S3, which the SDK does not find in an answer of STS. */
function readErrorsOfS3(client: Sdk.STSClient): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { readonly statusCode: number; body: unknown };
      const body = Buffer.from(await collectAnswer(response.body));
      const isS3Error = response.statusCode >= 300 && !body.includes("<ErrorResponse");
      response.body = isS3Error
        ? Buffer.from(`<ErrorResponse>${withoutProlog(body)}</ErrorResponse>`)
        : body;
      return result;
    },
    { step: "deserialize", priority: "low", name: "bucketbridgeStsErrors" },
  );
}

function withoutProlog(body: Buffer): string {
  return body.toString("utf8").replace(/^\s*<\?xml[^>]*\?>/, "");
}

function toSession({
  Credentials: found,
}: Pick<Sdk.AssumeRoleCommandOutput, "Credentials">): AwsSession {
  if (
    found?.AccessKeyId === undefined ||
    found.SecretAccessKey === undefined ||
    found.SessionToken === undefined
  )
    throw noAnswer();
  return {
    accessKeyId: found.AccessKeyId,
    secretAccessKey: new Secret(found.SecretAccessKey),
    sessionToken: new Secret(found.SessionToken),
    expiresAtMs: found.Expiration?.getTime() ?? Date.now() + SESSION_SECONDS * 1_000,
  };
}

function noAnswer(): AppError {
  return new AppError({
    code: "unavailable",
    reason: "s3s.malformed_answer",
    message: "the answer is not one of AWS STS; the operator has to check AWS_ENDPOINT_URL_STS",
  });
}

async function loadSts(): Promise<typeof Sdk> {
  return import("@aws-sdk/client-sts");
}

function ignore(): void {
  // The SDK warns on the console otherwise.
}
