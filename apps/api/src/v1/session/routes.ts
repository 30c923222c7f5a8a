import { changePassword, sessionView, signInRequest, signOutQuery } from "@bucketbridge/contracts";
import type { Member } from "@bucketbridge/db";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { ApiError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { Passwords } from "../../passwords.ts";
import type { FailureLimiter } from "../../plugins/failure-limiter.ts";
import { assertNotCrossSite } from "../../plugins/same-site.ts";
import type { Sessions } from "../../sessions.ts";
import { hashToken } from "../../tokens.ts";
import { problem } from "../problem.ts";

type Deps = Pick<ApiDeps, "tokens"> & {
  readonly accounts: ApiDeps["sessions"];
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  readonly limiter: FailureLimiter;
};

const TAGS = ["session"];
const ERRORS = { 400: problem, 401: problem, 403: problem };

/** Signing in and out with a browser, and the password that it takes. */
export function registerSessionRoutes(app: FastifyInstance, deps: Deps): void {
  registerSignIn(app, deps);
  registerSignOut(app, deps);
  registerPassword(app, deps);
}

function registerSignIn(app: FastifyInstance, deps: Deps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.post(
    "/session",
    {
      config: { public: true },
      schema: {
        tags: TAGS,
        summary: "Sign in: the answer sets a cookie that no script can read",
        description:
          "With an address and its password; a token of the person is taken as the password too. Ten wrong attempts a minute, by address of the network or of the account, and 429 follows.",
        body: signInRequest,
        response: { 201: sessionView, ...ERRORS, 429: problem },
      },
    },
    async (request, reply) => {
      assertNotCrossSite(request);
      const member = await signIn(deps, request, request.body);
      request.identity = member;
      await deps.sessions.begin(member, request, reply);
      return reply.code(201).send(toView(member));
    },
  );
  routes.get(
    "/session",
    {
      config: { permission: "users.token.any" },
      schema: {
        tags: TAGS,
        summary: "Who is signed in",
        response: { 200: sessionView, 401: problem },
      },
    },
    (request) => toView(identityOf(request)),
  );
}

function registerSignOut(app: FastifyInstance, { sessions, accounts }: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().delete(
    "/session",
    {
      config: { permission: "users.token.any" },
      schema: {
        tags: TAGS,
        summary: "Sign out; with everywhere=true on all devices",
        querystring: signOutQuery,
        response: { 204: z.null(), ...ERRORS },
      },
    },
    async (request, reply) => {
      if (request.query.everywhere) await accounts.endAll(identityOf(request).userId, undefined);
      await sessions.end(request, reply);
      return reply.code(204).send(null);
    },
  );
}

function registerPassword(app: FastifyInstance, deps: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().put(
    "/password",
    {
      config: { permission: "profile.change" },
      schema: {
        tags: TAGS,
        summary: "Set the own password; all other sessions end",
        body: changePassword,
        response: { 204: z.null(), ...ERRORS, 429: problem },
      },
    },
    async (request, reply) => {
      const { accounts, limiter, passwords, sessions } = deps;
      const { userId } = identityOf(request);
      const { currentPassword = "", newPassword } = request.body;
      limiter.assertMayTry(accountKey(userId));
      const stored = await accounts.findPasswordHash(userId);
      if (stored !== undefined && !(await passwords.verify(currentPassword, stored))) {
        limiter.recordFailure(accountKey(userId));
        throw new ApiError({
          status: 403,
          code: "permission_denied",
          detail: "the current password is wrong",
        });
      }
      const hash = await passwords.hash(newPassword);
      await accounts.setPassword(userId, hash, sessions.hashOf(request));
      return reply.code(204).send(null);
    },
  );
}

/** One answer, after the same work, for an unknown address and a wrong password. */
async function signIn(
  { accounts, tokens, passwords, limiter }: Deps,
  { ip }: FastifyRequest,
  { email, password }: z.output<typeof signInRequest>,
): Promise<Member> {
  const account = `account ${email.toLowerCase()}`;
  limiter.assertMayTry(ip, account);
  const found = await accounts.findSignIn(email);
  const isRight = await passwords.verify(password, found?.passwordHash);
  const holder = await tokens.findHolder(hashToken(password));
  const isToken =
    holder?.scope === null &&
    holder.member.userId === found?.member.userId &&
    holder.member.legacyApiTokensEnabled;
  if (found !== undefined && (isRight || isToken)) return found.member;
  limiter.recordFailure(ip);
  limiter.recordFailure(account);
  throw new ApiError({
    status: 401,
    code: "unauthenticated",
    detail: "the e-mail address or the password is wrong",
  });
}

function accountKey(userId: number): string {
  return `user ${String(userId)}`;
}

function toView({
  userId,
  email,
  role,
  organizationId,
}: Pick<Member, "userId" | "email" | "role" | "organizationId">): z.output<typeof sessionView> {
  return { userId, email, role, organizationId };
}
