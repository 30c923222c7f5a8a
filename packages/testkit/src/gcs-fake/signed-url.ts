import { createHash, createVerify, type KeyObject } from "node:crypto";
import { XmlFailure } from "./failure.ts";

/** A request to a signed URL. */
export interface SignedRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What verification needs to know. */
export interface Verification {
  /** Public key of an account by its address. */
  readonly keyOf: (email: string) => KeyObject | undefined;
  readonly nowMs: number;
}

const LONGEST_SECONDS = 604_800;

/** Checks a V4 signature and its time; returns who signed. Throws as the XML API answers. */
export function verifySignedUrl(
  { method, path, query, headers }: SignedRequest,
  { keyOf, nowMs }: Verification,
): string {
  const [email = "", ...scopeParts] = (query.get("X-Goog-Credential") ?? "").split("/");
  const date = query.get("X-Goog-Date") ?? "";
  const seconds = Number(query.get("X-Goog-Expires"));
  if (query.get("X-Goog-Algorithm") !== "GOOG4-RSA-SHA256" || !(seconds > 0))
    throw new XmlFailure(400, "InvalidArgument", "Invalid argument.");
  if (seconds > LONGEST_SECONDS)
    throw new XmlFailure(400, "InvalidArgument", "X-Goog-Expires must be at most 604800");
  const signedAt = Date.parse(
    date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  const publicKey = keyOf(email);
  const scope = scopeParts.join("/");
  const expected = `${date.slice(0, 8)}/auto/storage/goog4_request`;
  const names = (query.get("X-Goog-SignedHeaders") ?? "").split(";");
  const lines = names.map((name) => `${name}:${String(headers[name] ?? "")}\n`).join("");
  const canonical = `${method}\n${path}\n${canonicalQuery(query)}\n${lines}\n${names.join(";")}\nUNSIGNED-PAYLOAD`;
  const text = `GOOG4-RSA-SHA256\n${date}\n${scope}\n${createHash("sha256").update(canonical).digest("hex")}`;
  const signature = Buffer.from(query.get("X-Goog-Signature") ?? "", "hex");
  const isGenuine =
    publicKey !== undefined &&
    scope === expected &&
    names.includes("host") &&
    createVerify("RSA-SHA256").update(text).verify(publicKey, signature);
  if (!isGenuine)
    throw new XmlFailure(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided.",
    );
  if (!(signedAt <= nowMs + 900_000) || nowMs > signedAt + seconds * 1_000)
    throw new XmlFailure(400, "ExpiredToken", "Invalid argument.");
  return email;
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .filter(([name]) => name !== "X-Goog-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
