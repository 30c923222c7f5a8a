import type { LookupAddress } from "node:dns";
import { Secret } from "@bucketbridge/core";
import { expect, it } from "vitest";
import { createPlatformEgress } from "../../egress/platform-egress.ts";
import { platformIdentity } from "./credentials-platform.ts";

it("who the platform is comes to the others when the caller that asked gives up", async () => {
  const answer = Promise.withResolvers<readonly LookupAddress[]>();
  let lookups = 0;
  const resolver = (): Promise<readonly LookupAddress[]> => {
    lookups++;
    return answer.promise;
  };
  const egress = createPlatformEgress({ hosts: [], denied: [], resolver });
  const keys = { accessKeyId: "AKIA", secretAccessKey: new Secret("x"), sessionToken: undefined };
  const identity = platformIdentity({ egress, aws: { keys }, gcp: {}, azure: {} });
  const leaving = new AbortController();
  const first = identity.principalArn(leaving.signal);
  await expect.poll(() => lookups).toBe(1);
  const second = identity.principalArn(new AbortController().signal);
  leaving.abort(new TypeError("the first caller has left"));
  await expect(first).rejects.toThrow("the first caller has left");
  answer.reject(Object.assign(new TypeError("none"), { code: "ENOTFOUND" }));
  await expect(second).rejects.toThrow("resolve hostname sts.us-east-1.amazonaws.com");
  await egress.close();
});
