import { AppError } from "@bucketbridge/core";
import type { Database } from "../client.ts";

/** What opening a storage needs to know of its organisation. */
export interface OrganizationFacts {
  /** Generated with the organisation; never changes. */
  readonly externalId: string;
  /** True while the installation has no other organisation. */
  readonly isOnlyOne: boolean;
}

/** What an organisation decides about itself. */
export interface OrganizationSettings {
  readonly title: string;
  /** Off: no source can be saved whose media stream through us. Those that are there go on. */
  readonly storageProxyEnabled: boolean;
  /** Presigned URLs live no longer; null: as long as each source says. */
  readonly presignTtlCeilingMinutes: number | null;
}

/** An organisation as its members see it. */
export interface OrganizationRecord extends OrganizationSettings {
  readonly id: number;
  readonly externalId: string;
  readonly createdAt: Date;
}

/** Organisations. */
export interface OrganizationRepository {
  /** Throws `not_found` for an organisation that is not there. */
  getFacts(organizationId: number): Promise<OrganizationFacts>;
  /** Throws `not_found` for an organisation that is not there. */
  get(organizationId: number): Promise<OrganizationRecord>;
  /** Absent fields stay as they are; the organisation as it is then. */
  update(
    organizationId: number,
    settings: Partial<OrganizationSettings>,
  ): Promise<OrganizationRecord>;
}

const SELECT = {
  id: true,
  externalId: true,
  title: true,
  storageProxyEnabled: true,
  presignTtlCeilingMinutes: true,
  createdAt: true,
} as const;

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
        if (own === null) throw absent();
        const other = await tx.organization.findFirst({
          where: { id: { not: organizationId } },
          select: { id: true },
        });
        return { externalId: own.externalId, isOnlyOne: other === null };
      }, op),
    get: (organizationId) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const where = { id: organizationId };
          const found = await tx.organization.findUnique({ where, select: SELECT });
          if (found === null) throw absent();
          return found;
        },
        op,
      ),
    update: (organizationId, settings) =>
      database.inOrganization(
        organizationId,
        (tx) =>
          tx.organization.update({ where: { id: organizationId }, data: settings, select: SELECT }),
        op,
      ),
  };
}

function absent(): AppError {
  return new AppError({ code: "not_found", message: "the organisation is not there" });
}
