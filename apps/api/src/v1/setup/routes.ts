import { setupParams, setupQuery, setupView } from "@bucketbridge/contracts";
import { isProviderName, loadSetup } from "@bucketbridge/storage/providers";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { notFound } from "../../api-error.ts";
import { clientSignal } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { pageOrigin } from "../../page-origin.ts";
import { problem } from "../problem.ts";
import { toMissing, toSetupFacts } from "./view.ts";

/** What the owner of a bucket pastes at his cloud before he connects it. */
export function registerSetupRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/storages/:type/setup",
    {
      config: { permission: "platform.view" },
      schema: {
        tags: ["storages"],
        summary: "What to do at the cloud before a storage of this type is connected",
        description:
          "Policies, roles, commands and CORS rules, ready to paste, with the organisation's external id and this installation's principals in place. Nothing is connected or saved.",
        params: setupParams,
        querystring: setupQuery,
        response: { 200: setupView, 400: problem, 401: problem, 403: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const { organizationId } = identityOf(request);
      const { type } = request.params;
      const { project, bucket, prefix } = request.query;
      const definition = await deps.stores.find(type);
      if (definition === undefined || !isProviderName(type)) throw notFound();
      if ((await deps.projects.find(organizationId, project)) === undefined)
        throw notFound("Project");
      const { externalId } = await deps.organizations.getFacts(organizationId);
      const principals = await deps.platform.findPrincipals(clientSignal(reply));
      const { gcpSubject, outgoingAddresses } = deps.platform;
      const origin = pageOrigin(deps, request);
      const platform = { principals, gcpSubject, outgoingAddresses };
      const input = { bucket, prefix, externalId, origin, ...platform };
      const write = await loadSetup(type);
      return {
        type,
        title: definition.title,
        sections: [...write(toSetupFacts(input))],
        missing: toMissing(type, input),
      };
    },
  );
}
