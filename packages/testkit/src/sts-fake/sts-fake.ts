import { randomBytes } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { S3Failure } from "../s3-fake/failure.ts";
import type { S3AccessKey } from "../s3-fake/options.ts";
import { verifySignature } from "../s3-fake/sigv4.ts";
import { identityXml, sessionXml, StsFailure, type StsSession } from "./answers.ts";
import { parseSessionPolicy } from "./session-policy.ts";

/** Somebody who may call STS. */
export interface StsPrincipal extends S3AccessKey {
  readonly arn: string;
}

/** A role and what its trust policy demands. */
export interface StsRole {
  readonly arn: string;
  /** Principals that may assume it; absent: all. */
  readonly trusts?: readonly string[];
  /** `sts:ExternalId` must be this; absent: the trust policy has no such condition. */
  readonly externalId?: string;
  /** Web identity tokens that it takes. */
  readonly webIdentityTokens?: readonly string[];
}

/** One request that arrived. */
export type StsCall = Readonly<Record<string, string>>;

/** How the fake starts. */
export interface StsFakeOptions {
  readonly principals?: readonly StsPrincipal[];
  readonly roles: readonly StsRole[];
  /** Receives the keys of each session, for a store that shall take them. */
  readonly onSession?: (key: S3AccessKey, roleArn: string) => void;
  readonly now?: () => number;
}

/** An STS in this process, for tests: it checks signatures and trust policies, the external id included. */
export interface StsFake {
  readonly endpoint: string;
  /** Parameters of every request, in their order. */
  readonly calls: readonly StsCall[];
  /** Can be changed: a revoked role is one that is taken out. */
  readonly roles: StsRole[];
  /** The next request is answered with this instead. */
  failNext(status: number, code: string, message?: string): void;
  close(): Promise<void>;
}

/** The error that STS gives for a missing role as well as for a trust policy that refuses. */
const NOT_AUTHORIZED = "User is not authorized to perform: sts:AssumeRole on resource";

/** Starts the fake on a loopback port. */
export async function startStsFake(options: StsFakeOptions): Promise<StsFake> {
  const fake = new Sts(options);
  const server = http.createServer((message, response) => {
    void fake.answer(message).then(({ status, xml }) => {
      response.writeHead(status, { "content-type": "text/xml" }).end(xml);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${String(port)}`,
    calls: fake.calls,
    roles: fake.roles,
    failNext: (status, code, message = code) => {
      fake.failures.push(new StsFailure(status, code, message));
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

class Sts {
  readonly calls: StsCall[] = [];
  readonly roles: StsRole[];
  readonly failures: StsFailure[] = [];
  readonly #options: StsFakeOptions;
  readonly #now: () => number;
  /** Grows with the sessions: an assumed role may call STS too. */
  readonly #principals: StsPrincipal[];

  constructor(options: StsFakeOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.roles = [...options.roles];
    this.#principals = [...(options.principals ?? [])];
  }

  async answer(message: http.IncomingMessage): Promise<{ status: number; xml: string }> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    try {
      return { status: 200, xml: this.#perform(message, Buffer.concat(chunks)) };
    } catch (error) {
      if (error instanceof S3Failure) {
        const code = error.code === "InvalidAccessKeyId" ? "InvalidClientTokenId" : error.code;
        return { status: 403, xml: new StsFailure(403, code, error.message).toXml() };
      }
      if (!(error instanceof StsFailure)) throw error;
      return { status: error.status, xml: error.toXml() };
    }
  }

  #perform(message: http.IncomingMessage, body: Buffer): string {
    const call = Object.fromEntries(new URLSearchParams(body.toString("utf8")));
    this.calls.push(call);
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const { Action: action = "" } = call;
    if (action === "AssumeRoleWithWebIdentity") return this.#assumeByToken(call);
    const query = new URLSearchParams();
    const request = { message, path: message.url ?? "/", query, body };
    const options = { nowMs: this.#now(), service: "sts" } as const;
    const { accessKey } = verifySignature(request, this.#principals, options);
    const { arn } = accessKey as StsPrincipal;
    if (action === "GetCallerIdentity") return identityXml(arn);
    if (action === "AssumeRole") return this.#assume(call, arn);
    throw new StsFailure(400, "InvalidAction", `Could not find operation ${action}`);
  }

  #assume(call: StsCall, caller: string): string {
    const role = this.#findRole(call);
    const trusts = role.trusts?.includes(caller) ?? true;
    const knows = role.externalId === undefined || role.externalId === call["ExternalId"];
    if (!trusts || !knows)
      throw new StsFailure(403, "AccessDenied", `${NOT_AUTHORIZED}: ${role.arn}`);
    return this.#open("AssumeRole", call);
  }

  #assumeByToken(call: StsCall): string {
    const role = this.#findRole(call);
    if (role.webIdentityTokens?.includes(call["WebIdentityToken"] ?? "") !== true)
      throw new StsFailure(400, "InvalidIdentityToken", "The token is not valid");
    return this.#open("AssumeRoleWithWebIdentity", call);
  }

  #findRole({
    RoleArn: arn = "",
    RoleSessionName: name = "",
    DurationSeconds: life,
  }: StsCall): StsRole {
    if (!/^[\w+=,.@-]{2,64}$/.test(name))
      throw new StsFailure(400, "ValidationError", "roleSessionName failed to satisfy constraint");
    if (life !== undefined && Number(life) < 900)
      throw new StsFailure(400, "ValidationError", "durationSeconds must be at least 900");
    const role = this.roles.find((known) => known.arn === arn);
    if (role === undefined) throw new StsFailure(403, "AccessDenied", `${NOT_AUTHORIZED}: ${arn}`);
    return role;
  }

  #open(action: string, call: StsCall): string {
    const { Policy: policy, RoleArn: roleArn = "", RoleSessionName: name = "" } = call;
    const lifeMs = Number(call["DurationSeconds"] ?? "3600") * 1_000;
    const session: StsSession = {
      accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString("base64"),
      sessionToken: randomBytes(90).toString("base64"),
      // STS tells whole seconds.
      expiresAtMs: Math.floor((this.#now() + lifeMs) / 1_000) * 1_000,
    };
    const arn = `${roleArn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/${name}`;
    const mayDo = policy === undefined ? undefined : parseSessionPolicy(policy);
    this.#principals.push({ ...session, arn });
    this.#options.onSession?.({ ...session, mayDo }, roleArn);
    return sessionXml(action, session, arn);
  }
}
