import { describe, expect, it } from "vitest";
import { describeIgnoredVariables } from "./ignored-variables.ts";
import { loadConfig } from "./load-config.ts";
import { listsSlice } from "./slices/lists.ts";

describe("describeIgnoredVariables", () => {
  it("says nothing where nothing of the kind is set", () => {
    expect(
      describeIgnoredVariables({ PATH: "/bin", SSRF_PROTECTION_ENABLED: " " }),
    ).toBeUndefined();
  });

  it("names what is set, under every prefix, and what to use instead", () => {
    const sentence = describeIgnoredVariables({
      SSRF_PROTECTION_ENABLED: "false",
      LABEL_STUDIO_S3_TRUSTED_STORAGE_DOMAINS: "minio.example",
    });
    expect(sentence).toBe(
      "SSRF_PROTECTION_ENABLED and LABEL_STUDIO_S3_TRUSTED_STORAGE_DOMAINS are not read: private addresses are always refused, unless BUCKETBRIDGE_EGRESS_ALLOW names them",
    );
  });
});

describe("the slice of lists", () => {
  const load = (env: Record<string, string>) => loadConfig({ lists: listsSlice }, env).lists;

  it("has the contract's limits, and a bound of its own where the contract has none", () => {
    expect(load({})).toEqual({ previewFiles: 100, maxTaskPage: 1_000 });
    expect(load({ HEARTEX_DEFAULT_STORAGE_LIST_LIMIT: "7", TASK_API_PAGE_SIZE_MAX: "50" })).toEqual(
      { previewFiles: 7, maxTaskPage: 50 },
    );
  });

  it.each([{ DEFAULT_STORAGE_LIST_LIMIT: "0" }, { TASK_API_PAGE_SIZE_MAX: "many" }])(
    "refuses %j",
    (env) => {
      expect(() => load(env)).toThrow(/must be a whole number from/);
    },
  );
});
