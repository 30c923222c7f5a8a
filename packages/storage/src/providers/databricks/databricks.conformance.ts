import { describe } from "vitest";
import { describeDriverConformance } from "../../testing/conformance.ts";
import {
  databricksAccountHarness,
  databricksFakeHarness,
} from "../../testing/databricks-harness.ts";

describe("databricks on the fake", () => {
  describeDriverConformance(() => databricksFakeHarness());
});

describe("databricks on a fake with short pages and without implicit directories", () => {
  describeDriverConformance(() => databricksFakeHarness({ isStrict: true }));
});

describe("databricks on a real volume", () => {
  describeDriverConformance(() => databricksAccountHarness());
});
