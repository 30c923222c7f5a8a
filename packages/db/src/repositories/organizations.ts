import { AppError } from "@bucketbridge/core";
import type { Database } from "../client.ts";

/** What opening a storage needs to know of its organisation. */
export interface OrganizationFacts {
  /** Generated with the organisation; never changes. */
  readonly externalId: string;
  /** True while the installation has no other organisation. */
  readonly isOnlyOne: boolean;
}

/** Organisations. */
export interface OrganizationRepository {
  /** Throws `not_found` for an organisation that is not there. */
  getFacts(organizationId: number): Promise<OrganizationFacts>;
}

/** Repository over `database`. */
export function createOrganizationRepository(database: Database): OrganizationRepository {
  const op = { op: "db.organizations" };
  return {
    getFacts: (organizationId) =>
      database.inMaintenance(async (tx) => {
        const own = await tx.organization.findUnique({
          where: { id: organizationId },
          select: { externalId: true },
        });
        if (own === null) {
          throw new AppError({ code: "not_found", message: "the organisation is not there" });
        }
        const other = await tx.organization.findFirst({
          where: { id: { not: organizationId } },
          select: { id: true },
        });
        return { externalId: own.externalId, isOnlyOne: other === null };
      }, op),
  };
}
