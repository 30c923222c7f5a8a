import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { azureFakeHarness } from "../testing/azure-fake-harness.ts";
import { CONFORMANCE_CASES } from "../testing/conformance.ts";
import { databricksFakeHarness } from "../testing/databricks-harness.ts";
import { gcsFakeHarness, gcsSaFakeHarness, gcswifFakeHarness } from "../testing/gcs-harness.ts";
import type { DriverHarness, HarnessUnavailable } from "../testing/harness.ts";
import { redisHarness } from "../testing/redis-harness.ts";
import { s3FakeHarness } from "../testing/s3-harness.ts";
import { s3sFakeHarness } from "../testing/s3s-harness.ts";
import { PROVIDER_NAMES, type ProviderName } from "./registry.ts";

/** What every provider must tell apart. */
const ROWS = [
  ...(["401", "403", "404 bucket", "404 key", "409", "412", "416"] as const),
  ...(["429 with Retry-After", "5xx", "reset", "timeout", "abort"] as const),
  ...(["expired token", "wrong region"] as const),
] as const;
type Row = (typeof ROWS)[number];

/** Where a row is tested: by a case of the suite, by a test of the provider, or nowhere, for a reason. */
type Proof =
  | { readonly suite: string }
  | { readonly file: string; readonly test: string }
  | { readonly none: string };

/** The cases of the conformance suite that test a row with every provider. */
const SUITE: Readonly<Record<Exclude<Row, "expired token" | "wrong region">, Proof>> = {
  "401": { suite: "maps credentials that the store does not know to unauthenticated" },
  "403": { suite: "maps credentials without the permission to permission_denied" },
  "404 bucket": { suite: "maps a missing bucket to not_found" },
  "404 key": { suite: "names provider, place and key in an error" },
  "409": { suite: "lets one of two writers win an absent key, or refuses the condition" },
  "412": { suite: "refuses a writer with a stale etag, or refuses the condition" },
  "416": { suite: "refuses a range that starts behind the end" },
  "429 with Retry-After": {
    suite: "maps 429 to rate_limited, with the time that Retry-After names",
  },
  "5xx": { suite: "maps 500 to unavailable" },
  reset: { suite: "maps a connection that is reset to unavailable" },
  timeout: { suite: "maps a store that says nothing to timeout" },
  abort: { suite: "reports an aborted signal as canceled, whatever is called" },
};

const NO_REGIONS = { none: "its addresses hold no region that a user could get wrong" };
const NO_NETWORK = { none: "a folder is not asked over a network" };
/** What the suite runs on without a server. Local files need none: their suite is beside them. */
const FAKES: Readonly<Partial<Record<ProviderName, () => Promise<Harness>>>> = {
  s3: s3FakeHarness,
  s3s: s3sFakeHarness,
  gcs: gcsFakeHarness,
  gcs_sa: gcsSaFakeHarness,
  gcswif: gcswifFakeHarness,
  azure: () => azureFakeHarness("azure"),
  azure_spi: () => azureFakeHarness("azure_spi"),
  redis: redisHarness,
  databricks: databricksFakeHarness,
};

const GOOGLE = {
  "expired token": {
    file: "gcs/credentials.test.ts",
    test: "replaces a token that ended early, once",
  },
  "wrong region": NO_REGIONS,
} as const;
const S3_REGION = {
  file: "s3/driver.test.ts",
  test: "follows the bucket after a %s, for every call",
} as const;

type Harness = DriverHarness | HarnessUnavailable;

/** What differs from the suite. A new provider does not compile without its line. */
const OWN: Readonly<
  Record<
    ProviderName,
    Partial<Record<Row, Proof>> & Readonly<Record<"expired token" | "wrong region", Proof>>
  >
> = {
  s3: {
    "expired token": { file: "s3/errors.test.ts", test: "an expired session" },
    "wrong region": S3_REGION,
  },
  s3s: {
    "expired token": { file: "s3/credentials-s3s.test.ts", test: "signs URLs that die with it" },
    "wrong region": S3_REGION,
  },
  gcs: GOOGLE,
  gcs_sa: GOOGLE,
  gcswif: GOOGLE,
  azure: {
    "expired token": { none: "a key has no end" },
    "wrong region": NO_REGIONS,
  },
  azure_spi: {
    "expired token": { file: "azure/errors.test.ts", test: "tells a token that is over" },
    "wrong region": NO_REGIONS,
  },
  redis: {
    "404 bucket": { file: "redis/errors.test.ts", test: "redis.wrong_db" },
    "429 with Retry-After": {
      none: "Redis does not throttle; it says that it has too many clients",
    },
    "5xx": {
      file: "redis/errors.test.ts",
      test: "-LOADING Redis is loading the dataset in memory",
    },
    reset: {
      file: "redis/errors.test.ts",
      test: "says that it was lost, and makes a new one for the next call",
    },
    timeout: { file: "redis/errors.test.ts", test: "knows a deadline of the connection" },
    "expired token": { none: "a password has no end" },
    "wrong region": NO_REGIONS,
  },
  localfiles: {
    "401": { none: "nobody signs in to a folder" },
    "403": { file: "localfiles/errors.test.ts", test: '["EACCES", "permission_denied"]' },
    "429 with Retry-After": NO_NETWORK,
    "5xx": { file: "localfiles/errors.test.ts", test: '["EIO", "unavailable"]' },
    reset: NO_NETWORK,
    timeout: NO_NETWORK,
    "expired token": { none: "nobody signs in to a folder" },
    "wrong region": NO_REGIONS,
  },
  databricks: {
    "expired token": {
      file: "databricks/credentials.test.ts",
      test: "asks once more when the workspace refuses the token, and not for ever",
    },
    "wrong region": NO_REGIONS,
  },
};

describe.each(PROVIDER_NAMES)("the errors of %s", (name) => {
  const proofs = ROWS.map((row): readonly [Row, Proof] => [row, proofOf(name, row)]);
  const inSuite = proofs.flatMap(([row, proof]) => ("suite" in proof ? [[row, proof.suite]] : []));
  const inTests = proofs.flatMap(([row, proof]) =>
    "file" in proof ? [[row, proof.file, proof.test] as const] : [],
  );

  it("are tested row by row, or there is a reason", () => {
    for (const [row, proof] of proofs)
      if ("none" in proof) expect(proof.none.length, row).toBeGreaterThan(15);
  });

  it("have the rows of the suite, and its stand-in can show them", async () => {
    const harness = await FAKES[name]?.();
    try {
      for (const [row = "", suite] of inSuite) {
        const found = CONFORMANCE_CASES.find((conformanceCase) => conformanceCase.name === suite);
        expect(found, row).toBeDefined();
        if (harness === undefined || "unavailable" in harness) continue;
        expect(found?.missing?.(harness), row).toBeUndefined();
      }
    } finally {
      if (harness !== undefined && !("unavailable" in harness)) await harness.dispose();
    }
  });

  it("have the other rows in tests that are there", () => {
    for (const [row, file, test] of inTests) {
      const text = readFileSync(path.join(import.meta.dirname, file), "utf8");
      expect(text.includes(test), `${row}: ${file} has no "${test}"`).toBe(true);
    }
  });
});

function proofOf(name: ProviderName, row: Row): Proof {
  const own = OWN[name][row];
  if (own !== undefined) return own;
  if (row === "expired token" || row === "wrong region") return { none: "" };
  return SUITE[row];
}
