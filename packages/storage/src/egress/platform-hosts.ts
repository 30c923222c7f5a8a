import { AppError } from "@bucketbridge/core";

/** A host that the platform's own identity may be shown to. */
interface PlatformHost {
  readonly name: string;
  /** Undefined: any port. */
  readonly port: number | undefined;
}

/** Decides which hosts the platform's own identity may be shown to. */
export interface PlatformHosts {
  /** `name`: in lower case, without brackets and final dot. */
  includes(name: string, port: number): boolean;
}

/** Identity services of the clouds and the addresses at which they hand credentials to their own machines. */
const FIXED_HOSTS: ReadonlySet<string> = new Set([
  // AWS: security tokens; instances (IMDS), containers (ECS), pods (EKS Pod Identity).
  "sts.amazonaws.com",
  "169.254.169.254",
  "fd00:ec2::254",
  "169.254.170.2",
  "169.254.170.23",
  "fd00:ec2::23",
  // Google: token exchange, impersonation and signing, tokens of service accounts, instances.
  "sts.googleapis.com",
  "iamcredentials.googleapis.com",
  "oauth2.googleapis.com",
  "www.googleapis.com",
  "metadata.google.internal",
  "metadata",
  // Azure: the public cloud, US government, China. Instances share 169.254.169.254.
  "login.microsoftonline.com",
  "login.microsoft.com",
  "login.windows.net",
  "login.microsoftonline.us",
  "login.chinacloudapi.cn",
  "login.partner.microsoftonline.cn",
]);

/** Regional endpoints of AWS STS, FIPS and China included. Nobody but AWS can register such a name. */
const REGIONAL_STS = /^sts(-fips)?\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?$/;

/**
 * The fixed hosts and those that the operator named for the vendors' programs: URLs (their port counts), host names or
 * addresses. Throws `invalid_config` for an entry that is none of these.
 */
export function parsePlatformHosts(entries: readonly string[]): PlatformHosts {
  const named = entries.map(toHost);
  return {
    includes: (name, port) =>
      FIXED_HOSTS.has(name) ||
      REGIONAL_STS.test(name) ||
      named.some((host) => host.name === name && (host.port ?? port) === port),
  };
}

/** Host names without case, brackets and final dot; numbers that mean an address become that address. */
export function toPlainHost(host: string): string {
  const parsed = URL.parse(
    `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}/`,
  );
  return (parsed?.hostname ?? host)
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

function toHost(entry: string): PlatformHost {
  const text = entry.trim();
  if (!text.includes("://")) {
    if (!/^[\w.:[\]-]+$/.test(text)) throw badEntry(text);
    return { name: toPlainHost(text), port: undefined };
  }
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) throw badEntry(text);
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  return { name: toPlainHost(url.hostname), port };
}

function badEntry(entry: string): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "egress.bad_platform_host",
    message: `"${entry}" is no http(s) URL or host name of an identity service`,
  });
}
