import { createUnverifiedDispatcher } from "../../egress/unverified-dispatcher.ts";
import { defineProvider } from "../definition.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { FilesClient } from "./client.ts";
import { checkDatabricksConnection, emptyHint } from "./connection-check.ts";
import { createTokenSource } from "./credentials.ts";
import { DatabricksDriver } from "./driver.ts";
import { Sender } from "./sender.ts";
import { databricksSettings, toVolumePath, type DatabricksSettings } from "./settings.ts";

/** What a request waits for an answer and for the next bytes of a body; each call has its own deadline besides. */
const DEFAULT_TIMEOUT_SECONDS = 60;
/** Pieces of a body are never larger, whatever the user asks for: several are in memory at a time. */
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

/** Volumes of Databricks' Unity Catalog. */
export const databricksProvider = defineProvider({
  name: "databricks",
  title: "Databricks Files (UC Volumes)",
  settings: databricksSettings,
  form: [
    {
      name: "host",
      label: "Workspace Host",
      type: "text",
      required: true,
      placeholder: "https://adb-1234567890123456.7.azuredatabricks.net",
    },
    { name: "catalog", label: "UC Catalog", type: "text", required: true },
    { name: "schema", label: "UC Schema", type: "text", required: true },
    { name: "volume", label: "UC Volume", type: "text", required: true },
    {
      name: "auth_type",
      label: "Authentication",
      type: "select",
      options: [
        { value: "pat", label: "Personal access token" },
        { value: "dbx_sp", label: "Databricks service principal" },
        { value: "azure_ad_sp", label: "Azure AD service principal" },
      ],
    },
    { name: "token", label: "Access Token", type: "password", description: "With pat" },
    {
      name: "client_id",
      label: "Client ID",
      type: "text",
      description: "With dbx_sp and azure_ad_sp",
    },
    {
      name: "client_secret",
      label: "Client Secret",
      type: "password",
      description: "With dbx_sp and azure_ad_sp",
    },
    { name: "tenant_id", label: "Tenant ID", type: "text", description: "With azure_ad_sp" },
    {
      name: "verify_tls",
      label: "Verify TLS",
      type: "toggle",
      description: "Off accepts any certificate: only for hosts with one of their own",
    },
    { name: "request_timeout_s", label: "Request Timeout (seconds)", type: "counter" },
    { name: "stream_chunk_bytes", label: "Stream Chunk (bytes)", type: "counter" },
  ],
  referencePrefix: (settings) => `dbx://${toVolumePath(settings)}/`,
  describe: (settings) => `dbx://${toVolumePath(settings)}`,
  emptyHint,
  open: (settings, deps) => Promise.resolve(openVolume(settings, deps)),
  validate: (driver, settings, check) => checkDatabricksConnection(driver, settings, check),
});

function openVolume(settings: DatabricksSettings, deps: ProviderDeps): DatabricksDriver {
  const { egress } = deps;
  const own = settings.verify_tls === false ? createUnverifiedDispatcher(egress) : undefined;
  const timeoutMs = (settings.request_timeout_s ?? DEFAULT_TIMEOUT_SECONDS) * 1_000;
  const sender = new Sender(settings.host, own ?? egress.dispatcher, timeoutMs);
  const tokens = createTokenSource(settings, sender, deps);
  const volumePath = toVolumePath(settings);
  const { stream_chunk_bytes: chunk } = settings;
  return new DatabricksDriver({
    client: new FilesClient({ sender, tokens, volumePath }),
    volumePath,
    chunkBytes:
      chunk === undefined || chunk === null ? undefined : Math.min(chunk, MAX_CHUNK_BYTES),
    dispose: async () => {
      await own?.destroy();
    },
  });
}
