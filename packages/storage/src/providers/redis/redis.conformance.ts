import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { redisAccountHarness, redisHarness } from "../../testing/redis-harness.ts";

describe("redis on a server", () => {
  describeDriverConformance(() => redisHarness());
});

describe("redis on a server of your own", () => {
  describeDriverConformance(() => Promise.resolve(redisAccountHarness()));
});
