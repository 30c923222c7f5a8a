import { GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { Secret } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import type { PresignOptions } from "../../driver.ts";
import { Presigner } from "./presign.ts";

const nowMs = Date.parse("2026-11-26T08:15:42.123Z");
const place = {
  url: new URL("https://box.s3.eu-west-1.amazonaws.com/"),
  region: "eu-west-1",
  service: "s3",
};
const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: new Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
  sessionToken: new Secret("a/token+with=odd characters"),
};
const presigner = new Presigner();
const GET: PresignOptions = { method: "GET", ttlSeconds: 900 };

function sign(key: string, options: PresignOptions = GET, at = nowMs): URL {
  return presigner.sign(place, credentials, { key, options, nowMs: at });
}

/** The SDK's presigner adds `x-id`, which takes part in its signature: it is left out by a middleware here. */
function signWithSdk(command: GetObjectCommand | HeadObjectCommand): Promise<string> {
  const client = new S3Client({
    region: "eu-west-1",
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey.reveal(),
      sessionToken: credentials.sessionToken.reveal(),
    },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { query: Record<string, unknown> };
      delete request.query["x-id"];
      return next(args);
    },
    { step: "build", priority: "low" },
  );
  return getSignedUrl(client, command, { expiresIn: 900, signingDate: new Date(nowMs) });
}

function parametersOf(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url).searchParams);
}

describe("Presigner", () => {
  it.each(["a", "dir/a b+c%d.jpg", "ü/🎉/~!'()*&=?#;,:@$", "a//b/"])(
    "signs %j as the SDK's presigner does",
    async (Key) => {
      const theirs = await signWithSdk(new GetObjectCommand({ Bucket: "box", Key }));
      const ours = sign(Key).href;
      expect(parametersOf(ours)).toEqual(parametersOf(theirs));
      expect(new URL(ours).pathname).toBe(new URL(theirs).pathname);
    },
  );

  it("signs HEAD, content type and disposition as the SDK's presigner does", async () => {
    const disposition = 'attachment; filename="ü (1).png"';
    const head = await signWithSdk(new HeadObjectCommand({ Bucket: "box", Key: "k" }));
    expect(parametersOf(sign("k", { ...GET, method: "HEAD" }).href)).toEqual(parametersOf(head));
    const get = await signWithSdk(
      new GetObjectCommand({
        Bucket: "box",
        Key: "k",
        ResponseContentType: "image/png",
        ResponseContentDisposition: disposition,
      }),
    );
    const ours = sign("k", { ...GET, contentType: "image/png", disposition });
    expect(parametersOf(ours.href)).toEqual(parametersOf(get));
  });

  it("rounds the signing time down, so that a URL stays the same and can be cached", () => {
    const windowed = { ...GET, windowSeconds: 600 };
    const start = Date.parse("2026-11-26T08:10:00Z");
    expect(sign("k", windowed, start).href).toBe(sign("k", windowed, start + 599_999).href);
    expect(sign("k", windowed, start).href).not.toBe(sign("k", windowed, start + 600_000).href);
    expect(sign("k", windowed, nowMs).searchParams.get("X-Amz-Date")).toBe("20261126T081000Z");
  });

  it("derives another key for another day and region", () => {
    const tomorrow = nowMs + 86_400_000;
    const fresh = new Presigner().sign(place, credentials, {
      key: "k",
      options: GET,
      nowMs: tomorrow,
    });
    sign("k");
    expect(sign("k", GET, tomorrow).href).toBe(fresh.href);
    const elsewhere = { ...place, region: "eu-central-1" };
    const request = { key: "k", options: GET, nowMs };
    const moved = presigner.sign(elsewhere, credentials, request);
    expect(moved.href).toBe(new Presigner().sign(elsewhere, credentials, request).href);
  });

  it("cuts the life to seven days, the most that S3 takes", () => {
    const url = sign("k", { ...GET, ttlSeconds: 30 * 86_400 });
    expect(url.searchParams.get("X-Amz-Expires")).toBe("604800");
  });

  it("cuts the life to what is left of the session", () => {
    const session = { ...credentials, expiresAtMs: nowMs + 600_900 };
    const url = presigner.sign(place, session, { key: "k", options: GET, nowMs });
    expect(url.searchParams.get("X-Amz-Expires")).toBe("600");
  });

  it("signs with the next session's key once there is one", () => {
    const next = { ...credentials, accessKeyId: "ASIANEXT", secretAccessKey: new Secret("next") };
    const request = { key: "k", options: GET, nowMs };
    const url = presigner.sign(place, next, request);
    expect(url.href).toBe(new Presigner().sign(place, next, request).href);
    expect(url.href).not.toBe(presigner.sign(place, credentials, request).href);
  });

  it("names the account that must own the bucket", () => {
    const url = presigner.sign(place, credentials, {
      key: "k",
      options: { ...GET, contentType: "text/plain" },
      expectedOwner: "123456789012",
      nowMs,
    });
    expect(url.search).toMatch(
      /response-content-type=[^&]+&x-amz-expected-bucket-owner=123456789012&/,
    );
  });

  it.each(["a/../b", "./a", "..", "a/."])("refuses %j, which a web client would change", (key) => {
    expect(() => sign(key)).toThrow(
      expect.objectContaining({ code: "unsupported", reason: "s3.unsignable_key" }),
    );
  });

  it("keeps line breaks out of header overrides", () => {
    const url = sign("k", { ...GET, disposition: "x\r\nSet-Cookie: a=b" });
    expect(url.href).toContain("response-content-disposition=x%0D%0ASet-Cookie");
  });
});
