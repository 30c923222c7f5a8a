import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import { redisHarness } from "../../testing/redis-harness.ts";

describe("redis on a server", () => {
  describeDriverConformance(() => redisHarness());
});
