import { Secret, untilAborted } from "@bucketbridge/core";
import { z } from "zod";
import type { Egress } from "../../egress/egress.ts";
import type { PlatformAccess, ProviderDeps } from "../provider-deps.ts";
import { MALFORMED } from "./error-table.ts";
import { DatabricksFault, DatabricksRefusal } from "./errors.ts";
import { readText, type Sender } from "./sender.ts";
import { textOf, type DatabricksSettings } from "./settings.ts";

/** Where the token of a request comes from. */
export interface TokenSource {
  /** A token that is good now. */
  get(signal: AbortSignal): Promise<Secret>;
  /** The workspace refused this token. True: the next `get` asks for another one. */
  renew(refused: Secret): boolean;
}

const PUBLIC_AUTHORITY = "https://login.microsoftonline.com";
/** The resource "AzureDatabricks", the same in all tenants. */
const AZURE_SCOPE = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default";

/** The way to authenticate that the settings name. The schema has seen to it that its fields are there. */
export function createTokenSource(
  settings: DatabricksSettings,
  workspace: Sender,
  deps: Pick<ProviderDeps, "platform">,
): TokenSource {
  const clientId = textOf(settings.client_id) ?? "";
  const clientSecret = new Secret(textOf(settings.client_secret) ?? "");
  switch (settings.auth_type ?? "pat") {
    case "pat":
      return new FixedToken(new Secret(textOf(settings.token) ?? ""));
    case "dbx_sp":
      return new GrantedToken((signal) => askWorkspace(workspace, clientId, clientSecret, signal));
    case "azure_ad_sp": {
      const tenantId = textOf(settings.tenant_id) ?? "";
      const client = { tenantId, clientId, clientSecret };
      return new GrantedToken((signal) => askAzure(deps.platform, client, signal));
    }
  }
}

class FixedToken implements TokenSource {
  readonly #token: Secret;

  constructor(token: Secret) {
    this.#token = token;
  }

  get(): Promise<Secret> {
    return Promise.resolve(this.#token);
  }

  renew(): boolean {
    return false;
  }
}

interface Grant {
  readonly token: Secret;
  readonly lifeSeconds: number;
}

/** A token is given up so long before its end, or after half of its life where that is shorter. */
const MARGIN_MS = 5 * 60_000;
/** Several requests wait for one grant, so none of their signals may end it. */
const GRANT_TIMEOUT_MS = 20_000;

/** A token of an endpoint, kept until shortly before it expires. Requests at the same time share one grant. */
export class GrantedToken implements TokenSource {
  readonly #ask: (signal: AbortSignal) => Promise<Grant>;
  #kept: { readonly token: Secret; readonly untilMs: number } | undefined;
  #asking: Promise<Secret> | undefined;

  constructor(ask: (signal: AbortSignal) => Promise<Grant>) {
    this.#ask = ask;
  }

  async get(signal: AbortSignal): Promise<Secret> {
    if (this.#kept !== undefined && performance.now() < this.#kept.untilMs) return this.#kept.token;
    this.#asking ??= this.#renewNow();
    return untilAborted(this.#asking, signal);
  }

  renew(refused: Secret): boolean {
    if (this.#kept?.token === refused) this.#kept = undefined;
    return true;
  }

  async #renewNow(): Promise<Secret> {
    const startMs = performance.now();
    try {
      const { token, lifeSeconds } = await this.#ask(AbortSignal.timeout(GRANT_TIMEOUT_MS));
      const lifeMs = lifeSeconds * 1_000;
      this.#kept = { token, untilMs: startMs + Math.max(lifeMs - MARGIN_MS, lifeMs / 2) };
      return token;
    } finally {
      this.#asking = undefined;
    }
  }
}

/** OAuth for machines, at the workspace itself. */
async function askWorkspace(
  sender: Sender,
  clientId: string,
  clientSecret: Secret,
  signal: AbortSignal,
): Promise<Grant> {
  const basic = Buffer.from(`${clientId}:${clientSecret.reveal()}`).toString("base64");
  const answer = await sender.send({
    method: "POST",
    path: "/oidc/v1/token",
    headers: { ...FORM, authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: "all-apis" }).toString(),
    signal,
  });
  return toGrant(answer);
}

interface AzureClient {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
}

/** The login host is none that a user named: the fixed one, or the operator's. */
async function askAzure(
  { egress, azure }: PlatformAccess,
  { tenantId, clientId, clientSecret }: AzureClient,
  signal: AbortSignal,
): Promise<Grant> {
  const host = azure.authorityHost ?? PUBLIC_AUTHORITY;
  const authority = new URL(host.includes("://") ? host : `https://${host}`);
  const answer = await requestToken(egress, authority, {
    path: `/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`,
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      scope: AZURE_SCOPE,
    }).toString(),
    signal,
  });
  return toGrant(answer);
}

const FORM = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };

function requestToken(
  { dispatcher }: Egress,
  { origin }: URL,
  request: { readonly path: string; readonly body: string; readonly signal: AbortSignal },
): ReturnType<Sender["send"]> {
  return dispatcher.request({ ...request, origin, method: "POST", headers: FORM });
}

const grantShape = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().optional(),
});

/** What a token lives when nobody says it: not long. */
const UNKNOWN_LIFE_SECONDS = 600;

async function toGrant(answer: Awaited<ReturnType<Sender["send"]>>): Promise<Grant> {
  const body = await readText(answer.body);
  const retryAfter = answer.headers["retry-after"];
  if (answer.statusCode !== 200) {
    throw new DatabricksFault("token", {
      status: answer.statusCode,
      body,
      retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
    });
  }
  const parsed = grantShape.safeParse(parseJson(body));
  if (!parsed.success) throw new DatabricksRefusal(MALFORMED);
  const { access_token: token, expires_in: lifeSeconds = UNKNOWN_LIFE_SECONDS } = parsed.data;
  return { token: new Secret(token), lifeSeconds };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
