import { Secret } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { resolveAccountKey, resolveServicePrincipal } from "./credentials.ts";
import { azureSettings, azureSpiSettings } from "./settings.ts";

const KEY = Buffer.from("own key").toString("base64");
const OPERATOR_KEY = Buffer.from("operator's key").toString("base64");
const AMBIENT = {
  accountName: "operator",
  accountKey: new Secret(OPERATOR_KEY),
  tenantId: "operator-tenant",
  clientId: "operator-client",
  clientSecret: new Secret("operator-secret"),
};

function accountOf(fields: Record<string, unknown>, ambient = {}): readonly string[] {
  const { accountName, accountKey } = resolveAccountKey(azureSettings.parse(fields), ambient);
  return [accountName, accountKey.reveal()];
}

function principalOf(fields: Record<string, unknown>, ambient = {}): readonly string[] {
  const found = resolveServicePrincipal(azureSpiSettings.parse(fields), ambient);
  return [found.accountName, found.tenantId, found.clientId, found.clientSecret.reveal()];
}

describe("resolveAccountKey", () => {
  it("takes the storage's own before the operator's", () => {
    const own = { account_name: "own", account_key: KEY };
    expect(accountOf(own, AMBIENT)).toEqual(["own", KEY]);
    expect(accountOf({}, AMBIENT)).toEqual(["operator", OPERATOR_KEY]);
    expect(accountOf({ account_name: "operator" }, AMBIENT)).toEqual(["operator", OPERATOR_KEY]);
    expect(accountOf({ account_key: KEY }, AMBIENT)).toEqual(["operator", KEY]);
  });

  it.each([
    [{}, {}],
    [{ account_name: "own" }, {}],
    [{ account_key: KEY }, {}],
    // The operator's key is for the operator's account.
    [{ account_name: "own" }, AMBIENT],
  ])("says in the contract's words what is missing: %j", (fields, ambient) => {
    expect(() => accountOf(fields, ambient)).toThrow(
      expect.objectContaining({
        code: "invalid_config",
        reason: "azure.no_credentials",
        message:
          "Azure account name and key must be set using environment variables AZURE_BLOB_ACCOUNT_NAME and AZURE_BLOB_ACCOUNT_KEY or account_name and account_key fields.",
      }),
    );
  });

  it.each(["abc", "not base64!", "a=bc"])(
    "refuses the key %j, which is no base64",
    (account_key) => {
      expect(() => accountOf({ account_name: "own", account_key })).toThrow(/^Incorrect padding/);
    },
  );
});

describe("resolveServicePrincipal", () => {
  const own = {
    account_name: "own",
    tenant_id: "tenant",
    client_id: "client",
    client_secret: "secret",
  };

  it("takes the storage's own before the operator's", () => {
    expect(principalOf(own, AMBIENT)).toEqual(["own", "tenant", "client", "secret"]);
    expect(principalOf({ account_name: "own" }, AMBIENT)).toEqual([
      "own",
      "operator-tenant",
      "operator-client",
      "operator-secret",
    ]);
  });

  it.each([
    { ...own, account_name: null },
    { ...own, tenant_id: "" },
    { ...own, client_id: null },
    { ...own, client_secret: null },
  ])("says what is missing: %j", (fields) => {
    expect(() => principalOf(fields)).toThrow(/^Azure account name must be set using/);
  });

  it.each([
    { ...own, client_secret: null },
    { ...own, client_secret: null, tenant_id: null },
    { ...own, client_secret: null, client_id: null },
  ])("never shows the operator's secret for another app: %j", (fields) => {
    expect(() => principalOf(fields, AMBIENT)).toThrow(
      expect.objectContaining({ reason: "azure.no_credentials" }),
    );
  });
});
