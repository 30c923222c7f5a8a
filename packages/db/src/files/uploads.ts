import type { Database } from "../client.ts";

/** A file that somebody uploaded. */
export interface UploadRecord {
  readonly id: number;
  /** Null: the picture of a person. */
  readonly projectId: number | null;
  /** Where its bytes lie in the installation's own store. */
  readonly key: string;
  /** What task data and the contract call it. */
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly createdAt: Date;
}

/** A file whose bytes have been stored. */
export interface NewUpload extends Omit<UploadRecord, "id" | "createdAt"> {
  readonly createdById: number;
}

/** Uploaded files of an organisation; those of deleted projects are not there. */
export interface UploadRepository {
  /** Undefined: no such project in the organisation. */
  add(organizationId: number, upload: NewUpload): Promise<UploadRecord | undefined>;
  findByKey(organizationId: number, key: string): Promise<UploadRecord | undefined>;
  /**
   * Makes a stored file (null: none) the picture of a person. Gives what was the picture before, whose row is gone; its bytes are
   * the caller's to remove.
   */
  setAvatar(
    organizationId: number,
    userId: number,
    upload: NewUpload | null,
  ): Promise<readonly UploadRecord[]>;
  /** Gone already is success. */
  remove(organizationId: number, id: number): Promise<void>;
}

const SHOWN = {
  id: true,
  projectId: true,
  key: true,
  name: true,
  contentType: true,
  size: true,
  sha256: true,
  createdAt: true,
} as const;

const VISIBLE = { OR: [{ projectId: null }, { project: { deletedAt: null } }] };

/** Repository over `database`. */
export function createUploadRepository(database: Database): UploadRepository {
  const op = { op: "db.uploads" };
  return {
    add: (organizationId, upload) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          if (upload.projectId !== null) {
            const where = { id: upload.projectId, deletedAt: null };
            if ((await tx.project.count({ where })) === 0) return undefined;
          }
          const data = { ...upload, organizationId };
          return toRecord(await tx.upload.create({ data, select: SHOWN }));
        },
        op,
      ),
    findByKey: (organizationId, key) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const row = await tx.upload.findFirst({ where: { key, ...VISIBLE }, select: SHOWN });
          return row === null ? undefined : toRecord(row);
        },
        op,
      ),
    setAvatar: (organizationId, userId, upload) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          const own = { createdById: userId, projectId: null };
          const before = await tx.upload.findMany({ where: own, select: SHOWN });
          await tx.upload.deleteMany({ where: { id: { in: before.map(({ id }) => id) } } });
          if (upload !== null) await tx.upload.create({ data: { ...upload, organizationId } });
          const avatar = upload?.name ?? null;
          await tx.user.update({ where: { id: userId }, data: { avatar }, select: { id: true } });
          return before.map(toRecord);
        },
        op,
      ),
    remove: (organizationId, id) =>
      database.inOrganization(
        organizationId,
        async (tx) => {
          await tx.upload.deleteMany({ where: { id } });
        },
        op,
      ),
  };
}

function toRecord(row: Omit<UploadRecord, "size"> & { readonly size: bigint }): UploadRecord {
  return { ...row, size: Number(row.size) };
}
