import type { FastifyReply, FastifyRequest } from "fastify";
import { ApiError, nonFieldError, notAuthenticated } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf, type Identity } from "../../identity.ts";
import {
  hashToken,
  tokenPrefix,
  unsignedToken,
  type TokenSigner,
  type VerifiedClaims,
} from "../../tokens.ts";
import { bodyOf, FieldReader } from "../fields.ts";

type Deps = Pick<ApiDeps, "tokens" | "users">;

/** Handlers of `/api/token/*` and `/api/jwt/settings`. */
export interface TokenHandlers {
  readonly list: (request: FastifyRequest) => Promise<readonly { token: string }[]>;
  readonly create: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
  readonly refresh: (request: FastifyRequest) => Promise<{ access: string }>;
  readonly rotate: (request: FastifyRequest) => Promise<{ refresh: string }>;
  readonly blacklist: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
  readonly getSettings: (request: FastifyRequest) => Promise<TokenSettingsView>;
  readonly updateSettings: (request: FastifyRequest) => Promise<TokenSettingsView>;
}

interface TokenSettingsView {
  readonly api_tokens_enabled: boolean;
  readonly legacy_api_tokens_enabled: boolean;
}

export function makeTokenHandlers(deps: Deps, signer: TokenSigner): TokenHandlers {
  const { tokens } = deps;
  return {
    list: async (request) => {
      const { organizationId, userId } = identityOf(request);
      const claims = await tokens.listRefresh(organizationId, userId);
      return claims.map((claim) => ({ token: unsignedToken(claim) }));
    },
    create: async (request, reply) => {
      const { token, row } = await makeRefresh(signer, identityOf(request));
      if (!(await tokens.createRefresh(row))) throw duplicateToken();
      return reply.code(201).send({ token });
    },
    refresh: (request) => refreshAccess(deps, signer, readRefresh(request)),
    rotate: async (request) => {
      const identity = identityOf(request);
      const claims = await ownRefresh(deps, signer, identity, readRefresh(request));
      if (claims === undefined) throw nonFieldError("Invalid refresh token");
      const { token, row } = await makeRefresh(signer, identity);
      if (!(await tokens.rotateRefresh(hashToken(claims.jti), row)))
        throw nonFieldError("Invalid refresh token");
      return { refresh: token };
    },
    blacklist: async (request, reply) => {
      const claims = await ownRefresh(deps, signer, identityOf(request), readRefresh(request));
      if (claims === undefined || !(await tokens.revokeRefresh(hashToken(claims.jti))))
        throw notValid();
      return reply.code(204).send();
    },
    getSettings: (request) => readSettings(deps, identityOf(request)),
    updateSettings: async (request) => {
      const identity = identityOf(request);
      const fields = new FieldReader(bodyOf(request));
      const settings = {
        apiTokensEnabled: fields.boolean("api_tokens_enabled"),
        legacyApiTokensEnabled: fields.boolean("legacy_api_tokens_enabled"),
      };
      fields.finish();
      await deps.users.updateTokenSettings(identity.organizationId, settings);
      return readSettings(deps, identity);
    },
  };
}

function readRefresh(request: FastifyRequest): string {
  const fields = new FieldReader(bodyOf(request));
  const refresh = fields.text("refresh", { required: true });
  fields.finish();
  return refresh ?? "";
}

async function makeRefresh(signer: TokenSigner, { organizationId, userId }: Identity) {
  const { token, claims } = await signer.signRefresh(userId);
  const tokenHash = hashToken(claims.jti);
  const expiresAt = new Date(claims.exp * 1_000);
  return {
    token,
    row: { organizationId, userId, tokenHash, prefix: tokenPrefix(claims.jti), claims, expiresAt },
  };
}

/** The claims of a refresh token that the caller owns: nobody ends the token of somebody else. */
async function ownRefresh(
  { tokens }: Deps,
  signer: TokenSigner,
  identity: Identity,
  token: string,
): Promise<VerifiedClaims | undefined> {
  const claims = await signer.verify(token);
  if (claims?.token_type !== "refresh") return undefined;
  const state = await tokens.findRefresh(hashToken(claims.jti));
  const isOwn =
    state?.organizationId === identity.organizationId && state.userId === identity.userId;
  return isOwn && !state.revoked ? claims : undefined;
}

async function refreshAccess(
  { tokens, users }: Deps,
  signer: TokenSigner,
  token: string,
): Promise<{ access: string }> {
  const claims = await signer.verify(token);
  if (claims === undefined) throw notAuthenticated("Token is invalid");
  if (claims.token_type !== "refresh") throw notAuthenticated("Token has wrong type");
  const state = await tokens.findRefresh(hashToken(claims.jti));
  if (state === undefined) throw notAuthenticated("Token is invalid");
  if (state.revoked) throw notAuthenticated("Token is blacklisted");
  const member = await users.findMember(state.organizationId, state.userId);
  if (member?.apiTokensEnabled !== true) throw notAuthenticated("Token is invalid");
  await tokens.touch(state.tokenId);
  return { access: await signer.signAccess(state.userId) };
}

async function readSettings({ users }: Deps, identity: Identity): Promise<TokenSettingsView> {
  const member = await users.findMember(identity.organizationId, identity.userId);
  if (member === undefined) throw notAuthenticated();
  return {
    api_tokens_enabled: member.apiTokensEnabled,
    legacy_api_tokens_enabled: member.legacyApiTokensEnabled,
  };
}

/** One of the two places where the contract has a 409 (design §13). */
function duplicateToken(): ApiError {
  const detail = "You already have a valid token. Please revoke it before creating a new one.";
  return new ApiError({ status: 409, code: "already_exists", detail });
}

function notValid(): ApiError {
  const detail = "Token is invalid or already blacklisted.";
  return new ApiError({ status: 404, code: "not_found", detail, body: { detail } });
}
