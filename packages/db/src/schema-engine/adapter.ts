import { randomUUID } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import type pg from "pg";
import { withConnection } from "../pg-connection.ts";

/** OIDs of PostgreSQL's one-byte `"char"`, which its catalogue is full of, and of text. */
const CHAR_OID = 18;
const TEXT_OID = 25;

type PrismaPgAdapter = Awaited<ReturnType<PrismaPg["connect"]>>;
interface ConnectionParts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly max: 1;
}

/**
 * What @prisma/adapter-pg 7.10 lacks for the schema engine: a shadow database that is not the main one, scripts as one
 * query (it splits at semicolons, inside function bodies too), and the type `"char"`.
 */
export function makeAdapterFactory(adminUrl: string): SqlMigrationAwareDriverAdapterFactory {
  const url = new URL(adminUrl);
  // Parts instead of the URL: the adapter would let the URL's database win over the one it is told.
  const parts: ConnectionParts = {
    host: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: url.password === "" ? undefined : decodeURIComponent(url.password),
    max: 1,
  };
  const connect = async (database: string): Promise<PrismaPgAdapter> =>
    repair(await new PrismaPg({ ...parts, database }).connect());
  return {
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    connect: () => connect(decodeURIComponent(url.pathname.slice(1))),
    connectToShadowDb: () => connectToShadow(adminUrl, connect),
  };
}

async function connectToShadow(
  adminUrl: string,
  connect: (database: string) => Promise<PrismaPgAdapter>,
): Promise<SqlDriverAdapter> {
  const name = `bucketbridge_shadow_${randomUUID().replaceAll("-", "")}`;
  await withConnection(adminUrl, (admin) => admin.query(`CREATE DATABASE ${name}`));
  const adapter = await connect(name);
  const dispose = adapter.dispose.bind(adapter);
  return Object.assign(adapter, {
    dispose: async () => {
      await dispose();
      await withConnection(adminUrl, (admin) =>
        admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      );
    },
  });
}

/** Mends one adapter in place. Its pool has one connection, so queries do not overlap. */
function repair(adapter: PrismaPgAdapter): PrismaPgAdapter {
  const pool = adapter.underlyingDriver();
  const query = pool.query.bind(pool) as (
    ...args: unknown[]
  ) => Promise<pg.QueryResult | pg.QueryResult[]>;
  const queryRaw = adapter.queryRaw.bind(adapter);
  let charColumns = new Set<string>();
  Object.assign(pool, {
    query: async (...args: unknown[]) => {
      const result = await query(...args);
      charColumns = readCharAsText(Array.isArray(result) ? result : [result]);
      return result;
    },
  });
  const repaired: Pick<SqlDriverAdapter, "queryRaw" | "executeScript"> = {
    queryRaw: async (request) => {
      const result = await queryRaw(request);
      const columnTypes = result.columnTypes.map((type, index) =>
        charColumns.has(result.columnNames[index] ?? "") ? ColumnTypeEnum.Character : type,
      );
      return { ...result, columnTypes };
    },
    executeScript: async (script) => {
      await pool.query(script);
    },
  };
  return Object.assign(adapter, repaired);
}

function readCharAsText(results: readonly pg.QueryResult[]): Set<string> {
  const columns = results
    .flatMap(({ fields }) => fields)
    .filter(({ dataTypeID }) => dataTypeID === CHAR_OID);
  for (const field of columns) field.dataTypeID = TEXT_OID;
  return new Set(columns.map(({ name }) => name));
}
