import { expect, it } from "vitest";
import { runSql } from "@bucketbridge/db/embedded";
import { cloneDatabase, useDatabase } from "./database.ts";

const database = useDatabase("testkit");

it("gives a migrated database that belongs to the ordinary role", async () => {
  const check = `DO $$ BEGIN
    ASSERT current_user = 'bucketbridge', 'role';
    ASSERT (SELECT NOT rolsuper AND NOT rolbypassrls FROM pg_roles WHERE rolname = current_user), 'powers';
    ASSERT (SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'source_object'), 'owner';
    ASSERT current_setting('idle_in_transaction_session_timeout') = '45s', 'lease';
  END $$`;
  await expect(runSql(database().url, check)).resolves.toBeUndefined();
});

it("keeps what one clone holds out of the next", async () => {
  await runSql(database().url, "CREATE TABLE only_here (id int)");
  const other = await cloneDatabase("testkit other");
  await expect(runSql(other.url, "SELECT FROM only_here")).rejects.toThrow("does not exist");
  await other.drop();
  await expect(runSql(other.url, "SELECT 1")).rejects.toThrow("does not exist");
});
