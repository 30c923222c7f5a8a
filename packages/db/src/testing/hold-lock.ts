import pg from "pg";

/** Takes a session's advisory lock on a connection of its own; call the result to give it back. */
export async function holdLock(url: string, key: number): Promise<() => Promise<void>> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query("SELECT pg_advisory_lock($1)", [key]);
  return () => client.end();
}
