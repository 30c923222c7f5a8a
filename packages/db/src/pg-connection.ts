import pg from "pg";

/** Connecting takes milliseconds; after this the server is not there. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Runs `work` on one plain connection, without scope, and closes it. Errors pass through as pg made them. */
export async function withConnection<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // A connection that is cut while idle must not end the process; the next query fails anyway.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
