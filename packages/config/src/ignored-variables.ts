import { CONTRACT_PREFIXES, type Environment } from "./load-config.ts";

/** Names of the contract that mean something else here, so that whoever sets one must not believe that it works. */
const NOT_READ = ["SSRF_PROTECTION_ENABLED", "S3_TRUSTED_STORAGE_DOMAINS"] as const;

/** One sentence about variables of the contract that are set and not read; undefined: there are none. */
export function describeIgnoredVariables(env: Environment): string | undefined {
  const names = NOT_READ.flatMap((name) => CONTRACT_PREFIXES.map((prefix) => prefix + name));
  const set = names.filter((name) => (env[name] ?? "").trim() !== "");
  if (set.length === 0) return undefined;
  return `${set.join(" and ")} ${set.length === 1 ? "is" : "are"} not read: private addresses are always refused, unless BUCKETBRIDGE_EGRESS_ALLOW names them`;
}
