import { describe, expect, it } from "vitest";
import { loadProvider } from "./registry.ts";
import { throttledHost } from "./throttled-host.ts";

async function hostOf(type: string, values: Record<string, unknown>): Promise<string> {
  const definition = await loadProvider(type);
  return throttledHost(definition, definition.settings.parse(values));
}

describe("throttledHost", () => {
  it("is the bucket where the cloud's own service is meant, since that is what it counts", async () => {
    const [cats, again, dogs] = await Promise.all([
      hostOf("s3", { bucket: "cats" }),
      hostOf("s3", { bucket: "cats", region_name: "eu-west-1" }),
      hostOf("s3", { bucket: "dogs" }),
    ]);
    expect(cats).toBe(again);
    expect(cats).not.toBe(dogs);
  });

  it("is the server where the user named one, whatever the bucket and however it is written", async () => {
    const [one, two, other] = await Promise.all([
      hostOf("s3", { bucket: "cats", s3_endpoint: "https://s3.example.com" }),
      hostOf("s3", { bucket: "dogs", s3_endpoint: "https://S3.example.com:443/" }),
      hostOf("s3", { bucket: "cats", s3_endpoint: "https://s3.example.com:9000" }),
    ]);
    expect(one).toBe(two);
    expect(one).not.toBe(other);
  });

  it("is host and port of a Redis, whatever the database", async () => {
    const [one, two, other] = await Promise.all([
      hostOf("redis", { host: "cache", db: 1, tls: true }),
      hostOf("redis", { host: "Cache", port: "6379", db: 2 }),
      hostOf("redis", { host: "cache", port: "6380" }),
    ]);
    expect(one).toBe(two);
    expect(one).not.toBe(other);
  });
});
