import type { FastifyRequest } from "fastify";
import type { ApiDeps } from "./deps.ts";

/** Where the pages are that show media: of `LABEL_STUDIO_HOST` where the operator has set it, else as the caller reaches us. */
export function pageOrigin(
  { settings }: Pick<ApiDeps, "settings">,
  request: Pick<FastifyRequest, "protocol" | "host">,
): string {
  const prefix = URL.parse(settings.hostPrefix);
  return prefix === null ? `${request.protocol}://${request.host}` : prefix.origin;
}
