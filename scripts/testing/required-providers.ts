import type { RunSummary } from "./summary.ts";

/**
 * On which services each provider must have passed when REQUIRE_PROVIDERS=all: what .ci/run starts. A provider of the
 * registry without a line here fails such a run too.
 */
const SERVICES: Readonly<Record<string, readonly string[]>> = {
  s3: ["fake", "minio", "rgw"],
  s3s: ["fake", "rgw"],
  gcs: ["fake", "fake-gcs-server"],
  gcs_sa: ["fake"],
  gcswif: ["fake"],
  azure: ["fake", "azurite"],
  azure_spi: ["fake", "azurite"],
  redis: ["server"],
  localfiles: ["folder"],
  databricks: ["fake"],
};

/**
 * Complaints about providers that should have been tested and were not; empty is good. `required` is the variable
 * REQUIRE_PROVIDERS: `all`, or a list such as `s3/minio,localfiles/folder`.
 */
export function findMissingProviders(
  required: string | undefined,
  registered: readonly string[],
  summary: RunSummary,
): string[] {
  if (required === undefined || required.trim() === "") return [];
  const isAll = required.trim() === "all";
  const unknown = isAll ? registered.filter((name) => SERVICES[name] === undefined) : [];
  const pairs = isAll
    ? registered.flatMap((name) => (SERVICES[name] ?? []).map((service) => `${name}/${service}`))
    : required.split(",").map((pair) => pair.trim());
  const idle = pairs.filter((pair) => (summary.conformance[pair]?.passed ?? 0) === 0);
  return [
    ...unknown.map(
      (name) => `provider ${name} has no service in scripts/testing/required-providers.ts`,
    ),
    ...idle.map((pair) => `provider ${pair} is required and no conformance case of it passed`),
  ];
}
