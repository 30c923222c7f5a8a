import * as sdk from "@azure/storage-blob";
import { describe, expect, it } from "vitest";
import { createDelegationSigner, type SasRequest } from "./presign.ts";

const KEY = {
  signedObjectId: "object",
  signedTenantId: "tenant",
  signedStartsOn: new Date(),
  signedExpiresOn: new Date(),
  signedService: "b",
  signedVersion: "2025-11-05",
  value: Buffer.from("key").toString("base64"),
};
const REQUEST: SasRequest = {
  containerName: "suite",
  key: "k",
  options: { method: "GET", ttlSeconds: 60 },
  nowMs: Date.UTC(2026, 10, 26),
};

describe("the key by which a service principal signs", () => {
  it("is not lost to a caller because another one has left", async () => {
    const answer = Promise.withResolvers<typeof KEY>();
    let asked = 0;
    const service = {
      getUserDelegationKey: (_start: Date, _end: Date, options: { abortSignal: AbortSignal }) => {
        asked++;
        options.abortSignal.addEventListener("abort", () => {
          answer.reject(options.abortSignal.reason);
        });
        return answer.promise;
      },
    } as unknown as sdk.BlobServiceClient;
    const sign = createDelegationSigner(sdk, service, "account");
    const leaving = new AbortController();
    const first = sign(REQUEST, leaving.signal);
    const second = sign(REQUEST, new AbortController().signal);
    leaving.abort(new TypeError("the first caller has left"));
    await expect(first).rejects.toThrow("the first caller has left");
    answer.resolve(KEY);
    expect(await second).toContain("sig=");
    expect(asked).toBe(1);
  });
});
