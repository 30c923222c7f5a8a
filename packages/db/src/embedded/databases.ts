import pg from "pg";
import { withConnection } from "../pg-connection.ts";

/** Copies the database `template` (nobody may be connected to it) under a new name, owned by `owner`. About 0.1 s. */
export async function copyDatabase(
  adminUrl: string,
  options: { readonly template: string; readonly database: string; readonly owner: string },
): Promise<void> {
  const database = pg.escapeIdentifier(options.database);
  const template = pg.escapeIdentifier(options.template);
  const owner = pg.escapeIdentifier(options.owner);
  await withConnection(adminUrl, (admin) =>
    admin.query(`CREATE DATABASE ${database} TEMPLATE ${template} OWNER ${owner}`),
  );
}

/** Drops a database and cuts its connections; harmless when it is gone. */
export async function dropDatabase(adminUrl: string, database: string): Promise<void> {
  await withConnection(adminUrl, (admin) =>
    admin.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`),
  );
}

/** Runs a whole SQL file in one implicit transaction, on a connection of its own. */
export async function runSql(url: string, sql: string): Promise<void> {
  await withConnection(url, (client) => client.query(sql));
}
