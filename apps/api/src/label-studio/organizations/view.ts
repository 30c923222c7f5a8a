import type { OrganizationRecord } from "@bucketbridge/db";
import { toWireTime } from "@bucketbridge/contracts";
import { isAllowed, type Role } from "../../permissions.ts";

/** An organisation in a list. The external id stands there for those who write trust policies with it. */
export function toOrganizationListItem(
  { id, title, externalId, createdAt }: OrganizationRecord,
  role: Role,
): Record<string, unknown> {
  return {
    id,
    title,
    contact_info: null,
    created_at: toWireTime(createdAt),
    ...(isAllowed(role, "organizations.change") ? { external_id: externalId } : {}),
  };
}

/** An organisation by itself, with the two switches that the contract does not know. */
export function toOrganizationView(
  organization: OrganizationRecord,
  role: Role,
): Record<string, unknown> {
  const { storageProxyEnabled, presignTtlCeilingMinutes } = organization;
  return {
    ...toOrganizationListItem(organization, role),
    default_role: "AN",
    billing: {},
    storage_proxy_enabled: storageProxyEnabled,
    presign_ttl_ceiling_minutes: presignTtlCeilingMinutes,
  };
}
