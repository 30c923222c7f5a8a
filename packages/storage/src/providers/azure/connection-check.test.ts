import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  KEYLESS_ACCOUNT,
  startAzureStand,
  toAppFields,
  toKeyFields,
  WRONG_KEY,
  type AzureStand,
} from "../../testing/azure-fake-harness.ts";
import { azureProvider } from "./index.ts";

let keys: AzureStand;
let tokens: AzureStand;
beforeAll(async () => {
  keys = await startAzureStand("azure");
  tokens = await startAzureStand("azure_spi");
  for (const { fake } of [keys, tokens]) fake.putBlob("suite", "images/a.jpg", "x");
});
afterAll(async () => {
  await keys.close();
  await tokens.close();
});

interface Check {
  readonly stand?: AzureStand;
  readonly fields?: Record<string, unknown>;
  readonly prefix?: string;
  readonly direction?: "source" | "target";
}

async function check({ stand = keys, fields = {}, prefix = "", direction = "source" }: Check) {
  const driver = await stand.open(fields);
  const settings = azureProvider.settings.parse({ container: fields["container"] ?? "suite" });
  const signal = AbortSignal.timeout(10_000);
  await azureProvider.validate(driver, settings, { direction, prefix, signal });
}

describe("checkAzureConnection", () => {
  it("finds a container and a prefix with blobs good, and reads none of them", async () => {
    await check({});
    await check({ prefix: "images/" });
    expect(keys.fake.counters).toMatchObject({ get: 0, head: 0, put: 0 });
  });

  it("says in the contract's words what it does not find", async () => {
    await expect(check({ fields: { container: "nope-nope" } })).rejects.toThrow(
      /^Container not found: nope-nope$/,
    );
    await expect(check({ prefix: "videos/" })).rejects.toThrow(
      /^azure-blob:\/\/suite\/videos\/ not found\.$/,
    );
  });

  it("needs no prefix in a target", async () => {
    await check({ prefix: "videos/", direction: "target" });
  });

  it("tells of an identity that may write and not look, which is enough for a target", async () => {
    const fields = toAppFields("writer");
    for (const direction of ["source", "target"] as const)
      await expect(check({ stand: tokens, fields, direction })).rejects.toMatchObject({
        ...{ code: "permission_denied", reason: "azure.role_missing" },
      });
  });

  it("is content with a source that may list and not read", async () => {
    await check({ stand: tokens, fields: toAppFields("lister"), prefix: "images/" });
  });

  it.each([
    [{ account_key: WRONG_KEY }, "azure.authentication_failed", /Server failed to authenticate/],
    [toKeyFields(KEYLESS_ACCOUNT), "azure.keys_disabled", /takes no account keys/],
  ])(
    "fails in both directions for credentials that are refused",
    async (fields, reason, sentence) => {
      for (const direction of ["source", "target"] as const) {
        const failed = check({ fields, direction });
        await expect(failed).rejects.toMatchObject({ reason });
        await expect(failed).rejects.toThrow(sentence);
        await expect(failed).rejects.not.toThrow(WRONG_KEY);
      }
    },
  );
});
