import { acceptedInvitation, firstOwnerRequest, signUpRequest } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { Member, OwnerAccount } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { forbidden, notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import type { Passwords } from "../../passwords.ts";
import type { TokenSigner } from "../../tokens.ts";
import { problem } from "../problem.ts";

type Deps = Pick<ApiDeps, "users" | "settings"> & {
  readonly passwords: Passwords;
  readonly signer: TokenSigner;
};

const TAGS = ["people"];

/** Accounts that come with an organisation of their own: the first owner, and whoever signs up where that is open. */
export function registerAccountRoutes(app: FastifyInstance, deps: Deps): void {
  registerFirstOwner(app, deps);
  registerSignUp(app, deps);
}

function registerFirstOwner(app: FastifyInstance, { users, passwords, signer }: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    "/first-owner",
    {
      config: { public: true },
      schema: {
        tags: TAGS,
        summary: "Make the first owner with the setup link that the API printed when it started",
        description: "The link works once and for an hour; a restart prints a new one.",
        body: firstOwnerRequest,
        response: { 201: acceptedInvitation, 400: problem, 404: problem },
      },
    },
    async (request, reply) => {
      const { token, ...account } = request.body;
      const claims = await signer.verify(token);
      if (claims?.token_type !== "setup" || (await users.hasUsers())) throw notFound();
      const owner = await users.createFirstOwner(await toOwner(account, passwords));
      if (owner === undefined) throw notFound();
      request.identity = owner;
      return reply.code(201).send(toView(owner));
    },
  );
}

function registerSignUp(app: FastifyInstance, { users, passwords, settings }: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    "/sign-up",
    {
      config: { public: true },
      schema: {
        tags: TAGS,
        summary: "Make an account with an organisation of its own, where the operator allows it",
        body: signUpRequest,
        response: { 201: acceptedInvitation, 400: problem, 403: problem, 409: problem },
      },
    },
    async (request, reply) => {
      if (!settings.openSignUp)
        throw forbidden("sign-up is closed here: ask an owner or admin for an invitation");
      const owner = await users.signUp(await toOwner(request.body, passwords));
      if (owner === undefined)
        throw new AppError({ code: "already_exists", message: "this address has an account" });
      request.identity = owner;
      return reply.code(201).send(toView(owner));
    },
  );
}

async function toOwner(
  { organization, password, email, firstName, lastName }: z.output<typeof signUpRequest>,
  passwords: Passwords,
): Promise<OwnerAccount> {
  const passwordHash = await passwords.hash(password);
  return { organizationTitle: organization, email, firstName, lastName, passwordHash };
}

function toView(member: Member): z.output<typeof acceptedInvitation> {
  const { userId, email, role, organizationTitle: organization } = member;
  return { userId, email, role, organization };
}
