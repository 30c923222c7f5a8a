import { Prisma } from "../../generated/prisma/client.ts";

/**
 * What the contract shows as `storage_filename` of a row `source_object o`: the key, for local files the absolute path (ls-api
 * §7.1). The storage is looked up for the rows that are shown, or compared, only.
 */
export const STORAGE_FILENAME = Prisma.sql`coalesce(
  (SELECT CASE WHEN o.key LIKE './%' THEN s.settings->>'path' ELSE rtrim(s.settings->>'path', '/') || '/' || o.key END
   FROM storage s WHERE s.id = o.storage_id AND s.provider = 'localfiles'), o.key)`;
