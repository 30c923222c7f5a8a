import type { FastifyInstance } from "fastify";
import type { ApiDeps } from "../../deps.ts";
import { CONTRACT_VERSION } from "../error-envelope.ts";

/** `GET /api/version` and `GET /health`, both public. */
export function registerVersionRoutes(
  app: FastifyInstance,
  { settings }: Pick<ApiDeps, "settings">,
): void {
  const version = toVersionView(settings.version);
  app.get(
    "/api/version",
    { config: { public: true }, schema: { tags: ["version"] } },
    () => version,
  );
  app.get(
    "/health",
    { config: { public: true, rate: "probe" }, schema: { tags: ["version"] } },
    (_request, reply) => reply.type("text/html; charset=utf-8").send('{"status": "UP"}'),
  );
}

/** The contract's release with the keys that clients read; `bucketbridge` says what really answers. */
function toVersionView(ownVersion: string): Record<string, unknown> {
  const [major, minor] = CONTRACT_VERSION.split(".");
  return {
    release: CONTRACT_VERSION,
    "label-studio-os-package": {
      version: CONTRACT_VERSION,
      short_version: `${String(major)}.${String(minor)}`,
      latest_version_from_pypi: null,
      latest_version_upload_time: null,
      current_version_is_outdated: false,
    },
    "label-studio-os-backend": { version: CONTRACT_VERSION },
    edition: "Community",
    bucketbridge: { version: ownVersion },
  };
}
