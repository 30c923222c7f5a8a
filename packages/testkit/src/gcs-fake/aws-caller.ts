import { createHash, createHmac } from "node:crypto";
import { OauthFailure } from "./failure.ts";
import type { GcsAwsCaller } from "./options.ts";

const TARGET = "x-goog-cloud-target-resource";

interface Envelope {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
}

/** Who signed a GetCallerIdentity for this provider, as Google finds out by sending it to AWS. Throws `invalid_grant`. */
export function findAwsCaller(
  subjectToken: string,
  audience: string,
  callers: readonly GcsAwsCaller[],
): GcsAwsCaller {
  const { url, method, headers: pairs } = parseEnvelope(subjectToken);
  const headers = Object.fromEntries(pairs.map(({ key, value }) => [key.toLowerCase(), value]));
  const { hostname, search } = new URL(url);
  const isCall =
    method === "POST" &&
    /^sts(\.[a-z0-9-]+)?\.amazonaws\.com$/.test(hostname) &&
    search.includes("Action=GetCallerIdentity");
  if (!isCall || headers["host"] !== hostname) throw refused("The request is no GetCallerIdentity");
  if (headers[TARGET] !== audience) throw refused("The target resource is not the audience");
  const [, id = "", scope = "", signed = "", signature] =
    /Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)/.exec(
      headers["authorization"] ?? "",
    ) ?? [];
  const caller = callers.find(({ accessKeyId }) => accessKeyId === id);
  if (caller === undefined || !signed.split(";").includes(TARGET))
    throw refused("Invalid credentials");
  if ((caller.sessionToken ?? "") !== (headers["x-amz-security-token"] ?? ""))
    throw refused("The security token is invalid");
  const lines = signed.split(";").map((name) => `${name}:${headers[name] ?? ""}\n`);
  const canonical = `POST\n/\n${search.slice(1)}\n${lines.join("")}\n${signed}\n${sha256("")}`;
  const text = `AWS4-HMAC-SHA256\n${headers["x-amz-date"] ?? ""}\n${scope}\n${sha256(canonical)}`;
  const key = scope.split("/").reduce<Buffer>(hmac, Buffer.from(`AWS4${caller.secretAccessKey}`));
  if (hmac(key, text).toString("hex") !== signature) throw refused("SignatureDoesNotMatch");
  return caller;
}

function parseEnvelope(subjectToken: string): Envelope {
  try {
    return JSON.parse(decodeURIComponent(subjectToken)) as Envelope;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof URIError)
      throw refused("Error parsing the subject token");
    throw error;
  }
}

function refused(message: string): OauthFailure {
  return new OauthFailure(400, "invalid_grant", message);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
