import { useDatabase } from "@bucketbridge/testkit";
import { AppError, Secret, silentLogger } from "@bucketbridge/core";
import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { createDatabase, type Database } from "../client.ts";
import { KeyRing } from "../secrets/key-ring.ts";

/** A database of its own for a test file: as workers use it, and as a superuser looks at it. */
export interface TestSetup {
  readonly db: Database;
  readonly url: string;
  /** Rows of a query as superuser: no policies. */
  look<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The first row of a query as superuser. */
  one<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row>;
}

/** A key ring with one known key. */
export function makeKeyRing(id = "k1", fill = 1): KeyRing {
  return KeyRing.parse(new Secret(`${id}:${Buffer.alloc(32, fill).toString("base64")}`));
}

/** Opens the database of this file before its first test and closes it after the last. */
export function useTestDatabase(name: string): TestSetup {
  const testDatabase = useDatabase(name);
  let db: Database | undefined;
  let admin: pg.Client | undefined;
  beforeAll(async () => {
    db = openDatabase(testDatabase().url);
    admin = new pg.Client(testDatabase().adminUrl);
    admin.on("error", () => undefined);
    await admin.connect();
  });
  afterAll(async () => {
    await db?.close();
    await admin?.end();
  });
  const look = async <Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => {
    const result = await defined(admin).query<Row>({ text, values: [...values], types: NUMBERS });
    return result.rows;
  };
  return {
    get db() {
      return defined(db);
    },
    get url() {
      return testDatabase().url;
    },
    look,
    one: async (text, values) => defined((await look(text, values))[0]) as never,
  };
}

/** A further process: a database object with its own connections. */
function openDatabase(url: string): Database {
  return createDatabase({
    url: new Secret(url),
    keyRing: makeKeyRing(),
    poolSize: 8,
    applicationName: "bucketbridge test",
    log: silentLogger,
    avoidSequentialScans: true,
  });
}

/** Fails the test where a value is missing. */
export function defined<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) {
    throw new AppError({ code: "not_found", message: "expected a value" });
  }
  return value;
}

/** int8 (20) and numeric (1700) as numbers: test data is small. */
const NUMBERS = new pg.TypeOverrides();
NUMBERS.setTypeParser(20, Number);
NUMBERS.setTypeParser(1700, Number);
