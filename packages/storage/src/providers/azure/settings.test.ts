import { describe, expect, it } from "vitest";
import { changedLocation, requiresSecretsAgain, splitSecrets } from "../location.ts";
import { listSettingsFields } from "../settings-fields.ts";
import { azureProvider, azureSpiProvider } from "./index.ts";
import { azureSettings, azureSpiSettings, toAccountName } from "./settings.ts";

function complaints(
  schema: typeof azureSettings | typeof azureSpiSettings,
  values: Record<string, unknown>,
): string[] {
  const result = schema.safeParse(values);
  return result.success ? [] : result.error.issues.map(({ path }) => path.join("."));
}

function named(
  schema: typeof azureSettings | typeof azureSpiSettings,
  mark: "secret" | "location" | "host",
): string[] {
  return listSettingsFields(schema).flatMap((field) => (field[mark] ? [field.name] : []));
}

describe("azureSettings", () => {
  it("takes blank fields as not set", () => {
    const blank = { container: "", account_name: null, account_key: " " };
    expect(complaints(azureSettings, blank)).toEqual([]);
    expect(azureProvider.isPlaced?.(azureSettings.parse(blank))).toBe(false);
  });

  it.each(["imgs", "a-b-1", "$root", "$web"])("takes the container %j", (container) => {
    expect(complaints(azureSettings, { container })).toEqual([]);
  });

  it.each(["a/b", "..", "a b", "a?x", "a#", "ü", "a%2e"])(
    "refuses the container %j, which would change the URL",
    (container) => {
      expect(complaints(azureSettings, { container })).toEqual(["container"]);
      expect(complaints(azureSpiSettings, { container })).toEqual(["container"]);
    },
  );

  it.each([
    "evil.example/",
    "a.b",
    "x@evil",
    "ab",
    "UPPER",
    "a".repeat(25),
    "https://evil.example",
  ])("refuses the account %j, which would become part of a host", (account_name) => {
    expect(complaints(azureSettings, { account_name })).toEqual(["account_name"]);
    expect(complaints(azureSpiSettings, { account_name })).toEqual(["account_name"]);
  });

  it("understands the blob endpoint that the portal shows as the name of an account", () => {
    expect(toAccountName("https://myaccount.blob.core.windows.net/")).toBe("myaccount");
    expect(toAccountName("https://myaccount.blob.core.windows.net.evil.example/")).toBeUndefined();
    expect(toAccountName("http://myaccount.blob.core.windows.net")).toBeUndefined();
  });

  it("keeps name and key of the account secret, and asks for the key again when the account changes", () => {
    expect(named(azureSettings, "secret")).toEqual(["account_name", "account_key"]);
    expect(named(azureSettings, "location")).toEqual(["container", "account_name"]);
    expect(named(azureSettings, "host")).toEqual(["account_name"]);
    const before = { container: "c", account_name: "one", account_key: "k" };
    const after = { ...before, account_name: "two" };
    expect(requiresSecretsAgain(azureProvider, before, after)).toBe(true);
    expect(changedLocation(azureProvider, before, after)).toBe(true);
  });
});

describe("azureSpiSettings", () => {
  it("trims what was pasted", () => {
    const pasted = { tenant_id: " t-1\n", client_id: "\tc-1 ", client_secret: " s~1 " };
    expect(azureSpiSettings.parse(pasted)).toEqual({
      tenant_id: "t-1",
      client_id: "c-1",
      client_secret: "s~1",
    });
  });

  it.each(["a/b", "..", "x?y", "-x"])(
    "refuses the tenant %j, which would change the path",
    (id) => {
      expect(complaints(azureSpiSettings, { tenant_id: id })).toEqual(["tenant_id"]);
    },
  );

  it("keeps the client secret alone secret, and asks for it again when the account changes", () => {
    expect(named(azureSpiSettings, "secret")).toEqual(["client_secret"]);
    expect(named(azureSpiSettings, "host")).toEqual(["account_name"]);
  });

  it("takes the contract's user_delegation_key and forgets it", () => {
    const settings = azureSpiSettings.parse({ container: "c", user_delegation_key: "S3CRET" });
    expect(JSON.stringify(splitSecrets(azureSpiProvider, settings))).not.toContain("S3CRET");
    expect(listSettingsFields(azureSpiSettings).map(({ name }) => name)).not.toContain(
      "user_delegation_key",
    );
  });
});
