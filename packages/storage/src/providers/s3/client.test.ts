import type { LookupAddress } from "node:dns";
import { Secret } from "@bucketbridge/core";
import { afterEach, describe, expect, it } from "vitest";
import { createEgress } from "../../egress/create-egress.ts";
import type { Egress } from "../../egress/egress.ts";
import type { Resolver } from "../../egress/resolver.ts";
import { BucketClient, loadSdk } from "./client.ts";
import { fixedKeys } from "./sessions.ts";

const KEYS = { accessKeyId: "AKIA", secretAccessKey: new Secret("x"), sessionToken: undefined };
const NO_SUCH_HOST = Object.assign(new TypeError("none"), { code: "ENOTFOUND" });

describe("the place that S3 URLs are signed for", () => {
  let egress: Egress | undefined;
  afterEach(() => egress?.close());

  const open = async (resolver: Resolver): Promise<BucketClient> => {
    egress = createEgress({ allow: [], denied: [], resolver });
    const place = { bucket: "box", region: "eu-west-1", endpoint: undefined };
    return new BucketClient({ sdk: await loadSdk(), place, credentials: fixedKeys(KEYS), egress });
  };

  it("is asked for again after the first caller has left and nobody has answered", async () => {
    const answer = Promise.withResolvers<readonly LookupAddress[]>();
    let lookups = 0;
    const client = await open(() => {
      lookups++;
      return answer.promise;
    });
    const leaving = new AbortController();
    const first = client.signingPlace(leaving.signal);
    await expect.poll(() => lookups).toBe(1);
    leaving.abort(new TypeError("the first caller has left"));
    await expect(first).rejects.toThrow("the first caller has left");
    answer.reject(NO_SUCH_HOST);
    const second = client.signingPlace(new AbortController().signal);
    await expect(second).rejects.toThrow("Can't resolve hostname");
    const third = client.signingPlace(new AbortController().signal);
    await expect(third).rejects.toThrow("Can't resolve hostname");
    expect(lookups).toBeGreaterThan(1);
  });

  it("is not lost to a caller because another one has left", async () => {
    const answer = Promise.withResolvers<readonly LookupAddress[]>();
    let lookups = 0;
    const client = await open(() => {
      lookups++;
      return answer.promise;
    });
    const leaving = new AbortController();
    const first = client.signingPlace(leaving.signal).catch(() => "left");
    await expect.poll(() => lookups).toBe(1);
    const other = client.signingPlace(new AbortController().signal);
    leaving.abort();
    expect(await first).toBe("left");
    answer.reject(NO_SUCH_HOST);
    await expect(other).rejects.toThrow("Can't resolve hostname");
    expect(lookups).toBe(1);
  });
});
