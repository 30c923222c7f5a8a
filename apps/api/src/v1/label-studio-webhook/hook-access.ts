import { timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { ApiError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { hashToken } from "../../tokens.ts";
import type { EventPlace } from "../annotation-events/apply-events.ts";

/** The project of the path, when the request has the header that was set up for its hook; else one and the same 401. */
export async function authenticateHook(
  { eventAccess }: Pick<ApiDeps, "eventAccess">,
  request: FastifyRequest,
  projectId: number,
): Promise<EventPlace> {
  const organizationId = await eventAccess.findOrganization(projectId);
  if (organizationId === undefined) throw badHeader();
  const webhook = await eventAccess.findWebhook(organizationId, projectId);
  if (webhook === undefined) throw badHeader();
  const value = request.headers[webhook.headerName.toLowerCase()];
  if (typeof value !== "string" || !timingSafeEqual(hashToken(value), webhook.secretHash))
    throw badHeader();
  return { organizationId, projectId };
}

function badHeader(): ApiError {
  return new ApiError({
    status: 401,
    code: "unauthenticated",
    detail: "the header that was set up for the hook of this project is missing or wrong",
    headers: { "www-authenticate": "X-Bucketbridge-Webhook" },
  });
}
