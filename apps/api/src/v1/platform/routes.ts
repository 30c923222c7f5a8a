import { platformView } from "@bucketbridge/contracts";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { problem } from "../problem.ts";
import { toPlatformView } from "./view.ts";

/** Who the platform is, for people who have to trust it. */
export function registerPlatformRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/platform",
    {
      config: { permission: "platform.view" },
      schema: {
        tags: ["platform"],
        summary: "Whom a customer's cloud has to trust",
        description:
          "The principal at AWS (asked of STS where the operator has not configured it), the base service account at Google, the outgoing addresses, and the organisation's external id.",
        response: { 200: platformView, 401: problem, 403: problem },
      },
    },
    async (request, reply) => {
      const { organizationId } = identityOf(request);
      const { externalId } = await deps.organizations.getFacts(organizationId);
      const principals = await deps.platform.findPrincipals(clientSignal(reply));
      return toPlatformView({ ...deps.platform, principals, externalId });
    },
  );
}
