import type { OrganizationSettings } from "@bucketbridge/db";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import { bodyOf, FieldReader } from "../fields.ts";
import { toOrganizationListItem, toOrganizationView } from "./view.ts";

const TAGS = ["organizations"];

const MAX_TITLE_CHARS = 1_000;
/** The longest life that a presigned URL has anywhere: seven days. */
const MAX_TTL_MINUTES = 7 * 24 * 60;

/** The caller's organisation. There is one per person, so the list has one entry. */
export function registerOrganizationRoutes(
  app: FastifyInstance,
  { organizations }: Pick<ApiDeps, "organizations">,
): void {
  const schema = { tags: TAGS };
  app.get(
    "/api/organizations/",
    { config: { permission: "organizations.view" }, schema },
    async (request) => {
      const { organizationId, role } = identityOf(request);
      return [toOrganizationListItem(await organizations.get(organizationId), role)];
    },
  );
  app.get(
    "/api/organizations/:id",
    { config: { permission: "organizations.view", within: "organization" }, schema },
    async (request) => {
      const { organizationId, role } = identityOf(request);
      return toOrganizationView(await organizations.get(organizationId), role);
    },
  );
  app.patch(
    "/api/organizations/:id",
    { config: { permission: "organizations.change", within: "organization" }, schema },
    async (request) => {
      const { organizationId, role } = identityOf(request);
      const changed = await organizations.update(organizationId, readSettings(request));
      return toOrganizationView(changed, role);
    },
  );
}

/** Fields of the contract that have no meaning here are ignored, and the external id never changes. */
function readSettings(request: FastifyRequest): Partial<OrganizationSettings> {
  const fields = new FieldReader(bodyOf(request));
  const title = fields.text("title", { maxLength: MAX_TITLE_CHARS });
  if (title === "") fields.fail("title", "This field may not be blank.");
  if (title === null) fields.fail("title", "This field may not be null.");
  const storageProxyEnabled = fields.boolean("storage_proxy_enabled");
  const ceiling = fields.integer("presign_ttl_ceiling_minutes", { min: 1, max: MAX_TTL_MINUTES });
  fields.finish();
  return {
    ...(typeof title === "string" ? { title } : {}),
    ...(storageProxyEnabled === undefined ? {} : { storageProxyEnabled }),
    ...(ceiling === undefined ? {} : { presignTtlCeilingMinutes: ceiling }),
  };
}
