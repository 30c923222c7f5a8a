import pg from "pg";
import { AppError } from "@bucketbridge/core";

/** Runs `work` on one connection of its own and closes it. Throws `unavailable` when the server cannot be reached. */
export async function withConnection<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A connection that is cut while idle must not end the process; the next query fails anyway.
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new AppError({
      code: "unavailable",
      op: "db.connect",
      message: `could not connect to PostgreSQL: ${text}`,
      cause,
    });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** SQLSTATE of an error of the server, also of one that was wrapped once. */
export function sqlStateOf(error: unknown): string | undefined {
  if (error instanceof AppError) return sqlStateOf(error.cause);
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
