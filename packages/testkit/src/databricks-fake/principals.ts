import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { DatabricksFailure, OAuthFailure } from "./failure.ts";
import type {
  DatabricksClient,
  DatabricksFakeOptions,
  DatabricksPermission,
  DatabricksPrincipal,
} from "./options.ts";
import { DEFAULT_TOKEN } from "./options.ts";

/** The resource that Azure tokens for Databricks are made for. */
const AZURE_SCOPE = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default";

interface IssuedToken {
  readonly client: DatabricksClient;
  readonly expiresAt: number;
}

/** Who the workspace knows, and the tokens that it gave out. */
export class Principals {
  readonly #options: DatabricksFakeOptions;
  readonly #issued = new Map<string, IssuedToken>();

  constructor(options: DatabricksFakeOptions) {
    this.#options = options;
  }

  /** Throws 401 for a token that is unknown, 403 for a principal without the permission. */
  authorize({ headers }: IncomingMessage, needed: DatabricksPermission): void {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    const principal = this.#find(token);
    if (principal === undefined) {
      throw new DatabricksFailure(401, "UNAUTHENTICATED", {
        message: `Credential was not sent or was of an unsupported type for this API. ${token}`,
      });
    }
    if (principal.allow?.includes(needed) === false) {
      throw new DatabricksFailure(403, "PERMISSION_DENIED", {
        message: "User does not have the privilege on Volume.",
      });
    }
  }

  /** The answer of `/oidc/v1/token`. */
  grant(headers: IncomingMessage["headers"], form: URLSearchParams): string {
    const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    const [id = "", ...rest] = Buffer.from(basic, "base64").toString().split(":");
    const client = this.#findClient(id, undefined);
    if (client?.clientSecret !== rest.join(":"))
      throw new OAuthFailure(401, "invalid_client", "Client authentication failed");
    if (form.get("grant_type") !== "client_credentials" || form.get("scope") !== "all-apis")
      throw new OAuthFailure(400, "invalid_request", "unsupported grant or scope");
    return this.#issue(client);
  }

  /** The answer of Azure's `/{tenant}/oauth2/v2.0/token`. */
  grantAzure(tenantId: string, form: URLSearchParams): string {
    const refuse = (code: string, text: string): OAuthFailure =>
      new OAuthFailure(code === "AADSTS90002" ? 400 : 401, "invalid_client", `${code}: ${text}`);
    if (!this.#options.clients?.some((known) => known.tenantId === tenantId))
      throw refuse("AADSTS90002", `Tenant '${tenantId}' not found.`);
    const client = this.#findClient(form.get("client_id") ?? "", tenantId);
    if (client === undefined) throw refuse("AADSTS700016", "Application was not found.");
    if (client.isSecretExpired === true)
      throw refuse("AADSTS7000222", "The provided client secret keys are expired.");
    if (client.clientSecret !== form.get("client_secret"))
      throw refuse("AADSTS7000215", "Invalid client secret provided.");
    if (form.get("scope") !== AZURE_SCOPE)
      throw new OAuthFailure(400, "invalid_scope", "AADSTS70011: unexpected scope");
    return this.#issue(client);
  }

  /** No token that was given out so far is known any more. */
  revoke(): void {
    this.#issued.clear();
  }

  #find(token: string): DatabricksPrincipal | undefined {
    const known = (this.#options.tokens ?? [DEFAULT_TOKEN]).find((pat) => pat.token === token);
    if (known !== undefined) return known;
    const issued = this.#issued.get(token);
    return issued !== undefined && issued.expiresAt > Date.now() ? issued.client : undefined;
  }

  #findClient(clientId: string, tenantId: string | undefined): DatabricksClient | undefined {
    return this.#options.clients?.find(
      (known) => known.clientId === clientId && known.tenantId === tenantId,
    );
  }

  #issue(client: DatabricksClient): string {
    const seconds = this.#options.tokenSeconds ?? 3_600;
    const token = `issued-${randomBytes(12).toString("hex")}`;
    this.#issued.set(token, { client, expiresAt: Date.now() + seconds * 1_000 });
    return JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: seconds });
  }
}
