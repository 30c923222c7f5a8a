import { readFile } from "node:fs/promises";
import { AppError, Secret } from "@bucketbridge/core";
import type { Dispatcher } from "undici";
import { z } from "zod";
import type { Egress } from "../../egress/egress.ts";
import type { AwsContainerCredentials } from "../provider-deps.ts";
import type { AwsSession } from "./sessions.ts";

/** Both services answer from this machine; elsewhere nobody listens and nobody should wait. */
const ANSWER_TIMEOUT_MS = 1_500;
/** An answer is below 2 KB; more is something else. */
const MAX_ANSWER_BYTES = 64 * 1024;
const TOKEN_LIFE_SECONDS = "21600";
const CREDENTIALS_PATH = "/latest/meta-data/iam/security-credentials/";

const answerSchema = z.object({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  Token: z.string().min(1),
  Expiration: z.iso.datetime({ offset: true }),
});

/** Credentials of an ECS task or of a pod with EKS Pod Identity. */
export async function fetchContainerCredentials(
  egress: Egress,
  { url, token, tokenFile }: AwsContainerCredentials,
  signal: AbortSignal,
): Promise<AwsSession> {
  const authorization =
    tokenFile === undefined ? token?.reveal() : (await readFile(tokenFile, "utf8")).trim();
  const headers = authorization === undefined ? {} : { authorization };
  return parseCredentials(await ask(egress, { url, headers, signal }));
}

/** Credentials of an instance's role, by version 2 of the metadata service alone. */
export async function fetchInstanceCredentials(
  egress: Egress,
  endpoint: string,
  signal: AbortSignal,
): Promise<AwsSession> {
  const origin = endpoint.replace(/\/+$/, "");
  const token = await ask(egress, {
    url: `${origin}/latest/api/token`,
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": TOKEN_LIFE_SECONDS },
    signal,
  });
  const headers = { "x-aws-ec2-metadata-token": token };
  const roles = await ask(egress, { url: origin + CREDENTIALS_PATH, headers, signal });
  const role = encodeURIComponent(roles.split("\n")[0]?.trim() ?? "");
  return parseCredentials(
    await ask(egress, { url: origin + CREDENTIALS_PATH + role, headers, signal }),
  );
}

interface Question {
  readonly url: string;
  readonly method?: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

async function ask(
  egress: Egress,
  { url, method = "GET", headers, signal }: Question,
): Promise<string> {
  const { origin, pathname, search } = new URL(url);
  const { statusCode, body } = await egress.dispatcher.request({
    origin,
    path: pathname + search,
    method,
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw unusable("is too long");
    chunks.push(chunk);
  }
  if (statusCode !== 200) throw unusable(`has HTTP status ${String(statusCode)}`);
  return Buffer.concat(chunks).toString("utf8");
}

function parseCredentials(text: string): AwsSession {
  const parsed = answerSchema.safeParse(parseJson(text));
  if (!parsed.success) throw unusable("holds no credentials");
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = parsed.data;
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: new Secret(SecretAccessKey),
    sessionToken: new Secret(Token),
    expiresAtMs: Date.parse(Expiration),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function unusable(how: string): AppError {
  return new AppError({
    code: "unavailable",
    reason: "s3s.machine_credentials",
    message: `the answer of the service that hands out this machine's AWS credentials ${how}`,
  });
}
