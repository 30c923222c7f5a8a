import { z } from "zod";

/** Longer than any of these values is at Databricks or Azure. */
const MAX_TEXT_CHARS = 2_048;
/** An hour: longer than any answer takes. */
const MAX_TIMEOUT_SECONDS = 3_600;

/** Hosts that plain http may go to: a relay or a test on this machine. The egress decides whether loopback may be reached at all. */
const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

const text = () => z.string().trim().max(MAX_TEXT_CHARS);
/** Text that may be left out, null or blank; all three mean "not set". */
const optionalText = () => text().nullish();

/** A catalog, schema or volume: one part of a path. */
const pathPart = () =>
  text()
    .min(1)
    .refine(
      (name) => !name.includes("/") && !name.includes("\u0000") && name !== "." && name !== "..",
      {
        error: "This is one name, without slashes.",
      },
    )
    .meta({ location: true });

const shape = z.object({
  host: text()
    .min(1)
    .transform((host) => host.replace(/\/+$/, ""))
    .superRefine((host, context) => {
      const message = describeBadHost(host);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .meta({ location: true, host: true }),
  catalog: pathPart(),
  schema: pathPart(),
  volume: pathPart(),
  auth_type: z.enum(["pat", "dbx_sp", "azure_ad_sp"]).nullish(),
  token: optionalText().meta({ secret: true }),
  client_id: optionalText(),
  client_secret: optionalText().meta({ secret: true }),
  tenant_id: text()
    .refine((tenant) => tenant === "" || /^[A-Za-z0-9.-]{1,255}$/.test(tenant), {
      error: "This is no tenant id; it looks like 00000000-0000-0000-0000-000000000000.",
    })
    .nullish(),
  verify_tls: z.boolean().nullish(),
  request_timeout_s: z.int().min(1).max(MAX_TIMEOUT_SECONDS).nullish(),
  stream_chunk_bytes: z.int().min(1).nullish(),
});

type AuthType = "pat" | "dbx_sp" | "azure_ad_sp";
type CredentialField = "token" | "client_id" | "client_secret" | "tenant_id";

/** What each way to authenticate needs. */
const NEEDED: Readonly<Record<AuthType, readonly CredentialField[]>> = {
  pat: ["token"],
  dbx_sp: ["client_id", "client_secret"],
  azure_ad_sp: ["client_id", "client_secret", "tenant_id"],
};

/** Settings of `databricks`, source and target, by their wire names (ls-api §2.8). The way to authenticate decides which fields must be there. */
export const databricksSettings = shape.superRefine((values, context) => {
  const authType = values.auth_type ?? "pat";
  for (const name of NEEDED[authType]) {
    if (textOf(values[name]) !== undefined) continue;
    context.addIssue({
      code: "custom",
      path: [name],
      message: `This field is required with auth_type "${authType}".`,
    });
  }
});

/** Settings after the schema has looked at them. */
export type DatabricksSettings = z.output<typeof databricksSettings>;

/** The text of a field, or undefined when it is left out, null or blank. */
export function textOf(value: string | null | undefined): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : value;
}

/** `Volumes/<catalog>/<schema>/<volume>`, as references have it. */
export function toVolumePath({ catalog, schema, volume }: DatabricksSettings): string {
  return ["Volumes", catalog, schema, volume].join("/");
}

/** What is wrong with the address of a workspace. A token goes there, so it must be encrypted on its way. */
function describeBadHost(host: string): string | undefined {
  const url = URL.parse(host);
  if (url === null || !["https:", "http:"].includes(url.protocol))
    return 'The host is the address of the workspace, like "https://adb-1234567890123456.7.azuredatabricks.net".';
  if (url.username !== "" || url.password !== "")
    return "The host must not hold a user name or a password.";
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    return "The host is the address of the workspace alone, without a path.";
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname))
    return "The host must begin with https://, because a token is sent to it.";
  return undefined;
}
