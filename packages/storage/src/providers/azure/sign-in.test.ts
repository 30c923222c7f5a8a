import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StorageDriver } from "../../driver.ts";
import { startAzureStand, type AzureStand } from "../../testing/azure-fake-harness.ts";

const ctx = { signal: new AbortController().signal };

// The SDK's own pipeline renews a token in the last two minutes of its life while nobody waits for it, and a refusal then ends the
// process: one customer's expired secret stops everybody's work.
describe("tokens of a service principal", () => {
  let stand: AzureStand;
  let driver: StorageDriver;
  beforeEach(async () => {
    stand = await startAzureStand("azure_spi", { tokenSeconds: 100 });
    driver = await stand.open();
  });
  afterEach(() => stand.close());

  const list = (): Promise<unknown> =>
    driver.listPage({ prefix: "", recursive: true, limit: 1 }, ctx);

  it("are asked for by a call that waits for one, never in the background", async () => {
    for (let call = 0; call < 5; call++) await list();
    await new Promise((resolve) => setImmediate(resolve));
    expect(stand.entra?.tokenRequests).toBe(1);
  });

  it("come to the others when the caller that asked gives up", async () => {
    const leaving = new AbortController();
    const first = driver.stat("k", { signal: leaving.signal });
    const second = list();
    leaving.abort();
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    await second;
    expect(stand.entra?.tokenRequests).toBe(1);
  });
});
