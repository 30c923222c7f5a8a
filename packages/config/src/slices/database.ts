import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { secretUrl, wholeNumber } from "../texts.ts";

const postgresUrl = secretUrl("postgresql", "postgres");

/** The database as api and workers use it. */
export const databaseSlice = defineSlice({
  name: "database",
  schema: z.object({ url: postgresUrl, poolSize: wholeNumber(1, 500) }),
  variables: {
    url: {
      env: "DATABASE_URL",
      defaultText: "npm start: the embedded server",
      meaning: "PostgreSQL 15 or newer; an ordinary role that owns its tables, no superuser",
      secret: true,
    },
    poolSize: {
      env: "BUCKETBRIDGE_DATABASE_POOL",
      default: "10",
      meaning: "connections to the database per process",
    },
  },
});

/** What only the migration needs. */
export const migrationSlice = defineSlice({
  name: "migration",
  schema: z.object({ url: postgresUrl, adminUrl: postgresUrl.optional() }),
  variables: {
    url: databaseSlice.variables.url,
    adminUrl: {
      env: "DATABASE_ADMIN_URL",
      defaultText: "empty: role and database exist already",
      meaning:
        "a login that may create the role and the database of DATABASE_URL; used by migrations alone",
      secret: true,
    },
  },
});
