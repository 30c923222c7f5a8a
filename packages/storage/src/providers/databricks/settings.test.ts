import { describe, expect, it } from "vitest";
import { requiresSecretsAgain, splitSecrets } from "../location.ts";
import { listSettingsFields } from "../settings-fields.ts";
import { databricksProvider } from "./index.ts";
import { databricksSettings } from "./settings.ts";

const PLACE = {
  host: "https://adb-1.2.azuredatabricks.net",
  catalog: "c",
  schema: "s",
  volume: "v",
};
const PAT = { ...PLACE, token: "dapi" };

function complaints(values: Record<string, unknown>): Record<string, string> {
  const parsed = databricksSettings.safeParse(values);
  const issues = parsed.error?.issues ?? [];
  return Object.fromEntries(issues.map(({ path, message }) => [String(path[0]), message]));
}

describe("settings of databricks", () => {
  it("trim the slash at the end of the host", () => {
    expect(databricksSettings.parse({ ...PAT, host: ` ${PLACE.host}// ` }).host).toBe(PLACE.host);
  });

  it.each([
    "http://adb-1.2.azuredatabricks.net",
    "http://127.0.0.1.evil.example",
    "http://10.0.0.1",
    "adb-1.2.azuredatabricks.net",
    "ftp://adb-1.2.azuredatabricks.net",
    "https://user:pw@adb-1.2.azuredatabricks.net",
    "https://adb-1.2.azuredatabricks.net/?o=1",
    "https://adb-1.2.azuredatabricks.net/path",
    "",
  ])("refuse the host %j", (host) => {
    expect(Object.keys(complaints({ ...PAT, host }))).toEqual(["host"]);
  });

  it.each(["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"])(
    "take plain http to this machine, which the egress decides about: %s",
    (host) => {
      expect(complaints({ ...PAT, host })).toEqual({});
    },
  );

  it.each(["", ".", "..", "a/b", "../x"])("refuse %j as a catalog, schema or volume", (name) => {
    for (const field of ["catalog", "schema", "volume"])
      expect(Object.keys(complaints({ ...PAT, [field]: name }))).toEqual([field]);
  });

  it.each([
    [{}, ["token"]],
    [{ auth_type: null, token: "" }, ["token"]],
    [{ auth_type: "pat", token: "x" }, []],
    [{ auth_type: "dbx_sp", token: "x" }, ["client_id", "client_secret"]],
    [{ auth_type: "dbx_sp", client_id: "i", client_secret: "s" }, []],
    [{ auth_type: "azure_ad_sp", client_id: "i", client_secret: "s" }, ["tenant_id"]],
    [{ auth_type: "azure_ad_sp", client_id: "i", client_secret: "s", tenant_id: "t-1" }, []],
    [
      { auth_type: "azure_ad_sp", client_id: "i", client_secret: "s", tenant_id: "../x" },
      ["tenant_id"],
    ],
    [{ auth_type: "magic", token: "x" }, ["auth_type"]],
    [{ token: "x", request_timeout_s: 0 }, ["request_timeout_s"]],
    [{ token: "x", stream_chunk_bytes: -1 }, ["stream_chunk_bytes"]],
    [{ token: "x", verify_tls: false, request_timeout_s: 30, stream_chunk_bytes: 65536 }, []],
  ])("need what the way to authenticate needs: %j", (fields, expected) => {
    expect(Object.keys(complaints({ ...PLACE, ...fields }))).toEqual(expected);
  });

  it("keep token and secret apart from what may be shown, and ask for them again for another host", () => {
    const values = { ...PAT, client_secret: "s" };
    expect(splitSecrets(databricksProvider, values).secrets).toEqual({
      token: "dapi",
      client_secret: "s",
    });
    expect(
      requiresSecretsAgain(databricksProvider, values, { ...values, host: "https://evil.example" }),
    ).toBe(true);
    expect(requiresSecretsAgain(databricksProvider, values, { ...values, volume: "other" })).toBe(
      false,
    );
    const located = listSettingsFields(databricksSettings).filter(({ location }) => location);
    expect(located.map(({ name }) => name)).toEqual(["host", "catalog", "schema", "volume"]);
  });

  it("make the reference of the contract", () => {
    expect(databricksProvider.referencePrefix(databricksSettings.parse(PAT))).toBe(
      "dbx://Volumes/c/s/v/",
    );
  });
});
