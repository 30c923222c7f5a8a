import { describe, expect, it } from "vitest";
import { listSettingsFields } from "../settings-fields.ts";
import { gcsSaSettings, gcsSettings, gcswifSettings } from "./settings.ts";

describe("settings of the Google family", () => {
  it("keep the credentials secret and start a new location with another bucket", () => {
    for (const settings of [gcsSettings, gcsSaSettings, gcswifSettings]) {
      const fields = listSettingsFields(settings);
      const named = (mark: "secret" | "location" | "host") =>
        fields.filter((field) => field[mark]).map(({ name }) => name);
      expect(named("location")).toEqual(["bucket"]);
      expect(named("host")).toEqual([]);
      expect(named("secret")).toEqual(
        settings === gcsSaSettings ? [] : ["google_application_credentials"],
      );
    }
  });

  it("take null, blank and absent for not set", () => {
    for (const bucket of [null, "", undefined, "  "])
      expect(gcsSettings.safeParse({ bucket }).success).toBe(true);
    expect(gcsSettings.parse({ bucket: " cats " }).bucket).toBe("cats");
  });

  it.each([
    [gcsSettings, "bucket", "a/b"],
    [gcsSettings, "bucket", "cats?x=1"],
    [gcsSettings, "google_kms_key_name", "my-key"],
    [gcsSettings, "google_kms_key_name", "projects/p/cryptoKeys/k?x=1"],
    [gcsSaSettings, "target_service_account_email", "a@b/../c@d"],
    [gcsSaSettings, "target_service_account_email", "no address"],
    [gcswifSettings, "google_project_number", "1/2"],
    [gcswifSettings, "google_wif_pool_id", "pool/providers/other"],
    [gcswifSettings, "google_wif_provider_id", "p q"],
  ])("refuse what would leave its place in a path (%#)", (settings, name, value) => {
    const result = settings.safeParse({ [name]: value });
    expect(result.error?.issues.map(({ path }) => path)).toEqual([[name]]);
  });
});
