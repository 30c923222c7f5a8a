import { AppError, isAppError } from "@bucketbridge/core";
import type { ReservedBlock } from "./addresses.ts";

/** Reasons of refusals that the compatible API answers as 403 (design §13). */
const REFUSALS: ReadonlySet<string | undefined> = new Set([
  "egress.private_address",
  "egress.own_service",
  "egress.url_not_allowed",
]);

/** True when the error says that we did not connect on purpose: a reserved address, our own services, not http(s). */
export function isEgressRefusal(error: unknown): error is AppError {
  return isAppError(error, "permission_denied") && REFUSALS.has(error.reason);
}

/** A reserved address that the operator has not allowed. The first sentence is the contract's (ls-api §1.6). */
export function refusedAddress(host: string, { block }: ReservedBlock): AppError {
  return new AppError({
    code: "permission_denied",
    reason: "egress.private_address",
    message: `URL resolves to a reserved network address (block: ${block}) Allow it with BUCKETBRIDGE_EGRESS_ALLOW.`,
    context: { host, block },
  });
}

/** The platform's own database or queue. No setting opens it. */
export function refusedOwnService(host: string, port: number): AppError {
  return new AppError({
    code: "permission_denied",
    reason: "egress.own_service",
    message: `URL resolves to a reserved network address (block: ${host}:${String(port)}) It is a service of this platform.`,
    context: { host, port },
  });
}

/** Not an http(s) URL. The contract's text (ls-api §1.6). */
export function refusedUrl(): AppError {
  return new AppError({
    code: "permission_denied",
    reason: "egress.url_not_allowed",
    message:
      "The provided URL was not allowed. URLs must use http:// or https://, and must not resolve to local or private network addresses when SSRF protection applies.",
  });
}

/** No address for the name. `temporary`: the resolver did not answer, so another attempt may help. */
export function unresolvable(host: string, temporary: boolean, cause?: unknown): AppError {
  return new AppError({
    code: temporary ? "unavailable" : "invalid_input",
    reason: "egress.unresolvable",
    message: `Can't resolve hostname ${host}`,
    context: { host },
    cause,
  });
}

/** A host that is no identity service: the platform's own identity is not shown to it. */
export function refusedPlatformHost(host: string): AppError {
  return new AppError({
    code: "permission_denied",
    reason: "egress.platform_host",
    message: `the platform's own identity is used at the clouds' identity services only, and ${host} is none that the operator named`,
    context: { host },
  });
}
