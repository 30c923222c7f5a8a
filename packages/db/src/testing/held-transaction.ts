import { waitFor } from "@bucketbridge/testkit";
import type { Database, Transaction } from "../client.ts";
import type { TestSetup } from "./test-database.ts";

/** A transaction that has done its work and stays open. */
export interface HeldTransaction<T> {
  readonly value: T;
  /** Commits, and rejects with what the transaction rejects with. */
  commit(): Promise<void>;
}

/** Runs `work` in a transaction and keeps that open until `commit` is called. */
export async function holdTransaction<T>(
  db: Database,
  organizationId: number,
  work: (tx: Transaction) => Promise<T>,
): Promise<HeldTransaction<T>> {
  const worked = Promise.withResolvers<T>();
  const released = Promise.withResolvers<undefined>();
  const done = db.inOrganization(organizationId, async (tx) => {
    worked.resolve(await work(tx));
    await released.promise;
  });
  done.catch((error: unknown) => {
    worked.reject(error);
  });
  return {
    value: await worked.promise,
    commit: async () => {
      released.resolve(undefined);
      await done;
    },
  };
}

/** Resolves when a connection of the test's database waits for a lock, or `other` is settled (nothing makes it wait). */
export async function untilBlocked(test: TestSetup, other: Promise<unknown>): Promise<void> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  void other.then(settle, settle);
  await waitFor(async () => isSettled || (await isAnyBlocked(test)), {
    timeoutMs: 10_000,
    what: "a transaction that waits for a lock",
  });
}

async function isAnyBlocked(test: TestSetup): Promise<boolean> {
  const blocked = await test.look(
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  return blocked.length > 0;
}
