import type { FastifyRequest } from "fastify";
import { forbidden } from "../api-error.ts";

type Asked = Pick<FastifyRequest, "method" | "headers" | "protocol" | "host">;

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses a change that another site's page could have made in the name of a signed-in person: the browser says where a request
 * comes from (`Sec-Fetch-Site`, else `Origin`), and no page can make it lie. Without either header nothing is changed.
 */
export function assertSameSite(request: Asked): void {
  if (SAFE_METHODS.has(request.method) || isOwnPage(request)) return;
  throw forbidden("This change did not come from a page of this server.");
}

/** False also for a caller that says nothing: one with a cookie is a browser, and browsers do. */
function isOwnPage({ headers, protocol, host }: Asked): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  return headers.origin === `${protocol}://${host}`;
}

/** For a request that carries no cookie yet: whoever says nothing is no browser and is let through. */
export function assertNotCrossSite(request: Asked): void {
  const { headers } = request;
  if (headers["sec-fetch-site"] === undefined && headers.origin === undefined) return;
  assertSameSite(request);
}
