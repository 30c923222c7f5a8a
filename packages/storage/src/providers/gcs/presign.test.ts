import { describe, expect, it } from "vitest";
import type { UrlSigner } from "./identity.ts";
import { Presigner, type PresignRequest } from "./presign.ts";

const PLACE = { origin: "https://storage.googleapis.com", bucket: "cats" };
const NOW = Date.UTC(2026, 10, 26, 8, 15, 42);

/** Signs with a counter, so that each signature shows. */
function makeSigner(maxTtlSeconds = 604_800): UrlSigner & { readonly texts: string[] } {
  const texts: string[] = [];
  return {
    texts,
    email: "a@b.iam.gserviceaccount.com",
    maxTtlSeconds,
    sign: (text) => {
      texts.push(text);
      return Promise.resolve(Buffer.from([texts.length]));
    },
  };
}

function aRequest(over: Partial<PresignRequest["options"]> = {}, nowMs = NOW): PresignRequest {
  const options = { method: "GET" as const, ttlSeconds: 900, ...over };
  return { key: "a b/c.jpg", options, nowMs, signal: new AbortController().signal };
}

describe("signed URLs of Google", () => {
  it("have the parameters of version 4 in their order and the key escaped by segment", async () => {
    const signer = makeSigner();
    const url = await new Presigner().sign(signer, PLACE, aRequest({ contentType: "image/png" }));
    expect(url.href).toBe(
      "https://storage.googleapis.com/cats/a%20b/c.jpg?X-Goog-Algorithm=GOOG4-RSA-SHA256" +
        "&X-Goog-Credential=a%40b.iam.gserviceaccount.com%2F20261126%2Fauto%2Fstorage%2Fgoog4_request" +
        "&X-Goog-Date=20261126T081542Z&X-Goog-Expires=900&X-Goog-SignedHeaders=host" +
        "&response-content-type=image%2Fpng&X-Goog-Signature=01",
    );
    expect(signer.texts[0]).toMatch(
      /^GOOG4-RSA-SHA256\n20261126T081542Z\n20261126\/auto\/storage\/goog4_request\n[0-9a-f]{64}$/,
    );
  });

  it("stay the same within a time window, and are signed once in it", async () => {
    const signer = makeSigner();
    const presigner = new Presigner();
    const at = (nowMs: number) =>
      presigner.sign(signer, PLACE, aRequest({ windowSeconds: 300 }, nowMs));
    const first = await at(NOW);
    expect((await at(NOW + 200_000)).href).toBe(first.href);
    expect(signer.texts).toHaveLength(1);
    expect((await at(NOW + 300_000)).href).not.toBe(first.href);
  });

  it("are not lost to a caller because another one has left", async () => {
    const answer = Promise.withResolvers<Buffer>();
    const signer: UrlSigner = {
      ...makeSigner(),
      sign: (_text, signal) => {
        signal.addEventListener("abort", () => {
          answer.reject(signal.reason);
        });
        return answer.promise;
      },
    };
    const presigner = new Presigner();
    const leaving = new AbortController();
    const first = presigner.sign(signer, PLACE, { ...aRequest(), signal: leaving.signal });
    const second = presigner.sign(signer, PLACE, aRequest());
    leaving.abort(new TypeError("the first caller has left"));
    await expect(first).rejects.toThrow("the first caller has left");
    answer.resolve(Buffer.from([7]));
    expect((await second).searchParams.get("X-Goog-Signature")).toBe("07");
  });

  it("are signed anew after a failure", async () => {
    const presigner = new Presigner();
    const signer = makeSigner();
    const broken: UrlSigner = { ...signer, sign: () => Promise.reject(new TypeError("away")) };
    await expect(presigner.sign(broken, PLACE, aRequest())).rejects.toThrow("away");
    await presigner.sign(signer, PLACE, aRequest());
    expect(signer.texts).toHaveLength(1);
  });

  it("live no longer than the key of the signer, and no window is longer than half of that", async () => {
    const signer = makeSigner(43_200);
    const request = aRequest({ ttlSeconds: 259_200, windowSeconds: 86_400 });
    const url = await new Presigner().sign(signer, PLACE, request);
    expect(url.searchParams.get("X-Goog-Expires")).toBe("43200");
    expect(url.searchParams.get("X-Goog-Date")).toBe("20261126T060000Z");
  });

  it("differ by method", async () => {
    const signer = makeSigner();
    const presigner = new Presigner();
    await presigner.sign(signer, PLACE, aRequest());
    await presigner.sign(signer, PLACE, aRequest({ method: "HEAD" }));
    expect(signer.texts).toHaveLength(2);
  });

  it.each(["a/../b", "./a", "a/.."])("are refused for the key %s", async (key) => {
    const request = { ...aRequest(), key };
    await expect(new Presigner().sign(makeSigner(), PLACE, request)).rejects.toMatchObject({
      code: "unsupported",
      reason: "gcs.unsignable_key",
    });
  });
});
