import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Certificate } from "../self-signed.ts";
import { makeToken } from "./tokens.ts";

/** An app registration that the fake knows. */
export interface EntraApp {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** A secret that was good once. */
  readonly expiredSecret?: string | undefined;
}

/** How the fake starts. */
export interface EntraFakeOptions {
  readonly apps: readonly EntraApp[];
  readonly certificate: Certificate;
  /** A free port when absent. */
  readonly port?: number | undefined;
  /** Life of its tokens. */
  readonly tokenSeconds?: number | undefined;
}

/** A login host for service principals, as Microsoft Entra ID answers @azure/identity. TLS, since the SDK takes nothing else. */
export interface EntraFake {
  /** `https://localhost:<port>`, for the SDK's `authorityHost`. */
  readonly authorityHost: string;
  /** Token requests so far. */
  readonly tokenRequests: number;
  close(): Promise<void>;
}

/** Starts the fake on a loopback port. */
export async function startEntraFake(options: EntraFakeOptions): Promise<EntraFake> {
  const counters = { tokens: 0 };
  const { cert, key } = options.certificate;
  const server = createServer({ cert, key }, (message, response) => {
    void readBody(message).then((body) => {
      const [path = ""] = (message.url ?? "").split("?");
      if (path.endsWith("/token")) counters.tokens += 1;
      const origin = `https://${message.headers.host ?? ""}`;
      const [status, json] = answer(options, { origin, path, form: new URLSearchParams(body) });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    });
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    authorityHost: `https://localhost:${String(port)}`,
    get tokenRequests() {
      return counters.tokens;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

interface Asked {
  /** The discovery document must name the host that the client asked, or the SDK refuses it. */
  readonly origin: string;
  readonly path: string;
  readonly form: URLSearchParams;
}

type Answer = readonly [status: number, json: Readonly<Record<string, unknown>>];

const DEFAULT_TOKEN_SECONDS = 3_599;

function answer(options: EntraFakeOptions, { origin, path, form }: Asked): Answer {
  const [, tenant = "", ...rest] = path.split("/");
  const action = rest.join("/");
  const apps = options.apps.filter(({ tenantId }) => tenantId === tenant);
  if (action === "v2.0/.well-known/openid-configuration" && apps.length > 0) {
    return [200, discovery(`${origin}/${tenant}`)];
  }
  if (action !== "v2.0/.well-known/openid-configuration" && action !== "oauth2/v2.0/token") {
    return [404, { error: "not_found" }];
  }
  if (apps.length === 0) return refusal(400, "invalid_tenant", 90002, "Tenant not found.");
  const app = apps.find(({ clientId }) => clientId === form.get("client_id"));
  if (app === undefined) {
    return refusal(
      400,
      "unauthorized_client",
      700016,
      "Application was not found in the directory.",
    );
  }
  const secret = form.get("client_secret");
  if (secret !== null && secret === app.expiredSecret) {
    return refusal(401, "invalid_client", 7000222, "The provided client secret keys are expired.");
  }
  if (secret !== app.clientSecret) {
    return refusal(401, "invalid_client", 7000215, "Invalid client secret provided.");
  }
  const seconds = options.tokenSeconds ?? DEFAULT_TOKEN_SECONDS;
  const token = makeToken({
    tenantId: tenant,
    clientId: app.clientId,
    audience: (form.get("scope") ?? "").replace(/\/\.default$/, ""),
    expiresAt: Math.floor(Date.now() / 1_000) + seconds,
  });
  return [
    200,
    { token_type: "Bearer", expires_in: seconds, ext_expires_in: seconds, access_token: token },
  ];
}

function discovery(base: string): Readonly<Record<string, unknown>> {
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
  };
}

function refusal(status: number, error: string, code: number, text: string): Answer {
  const description = `AADSTS${String(code)}: ${text} Trace ID: 0 Correlation ID: 0`;
  return [status, { error, error_description: description, error_codes: [code] }];
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
