import { randomBytes } from "node:crypto";
import {
  acceptedInvitation,
  acceptInvitation,
  idParams,
  invitationList,
  invitationRequest,
  newInvitation,
  type InvitationView,
} from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { InvitationRecord } from "@bucketbridge/db";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { forbidden, notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { Passwords } from "../../passwords.ts";
import { hashToken } from "../../tokens.ts";
import { problem } from "../problem.ts";

type Deps = Pick<ApiDeps, "invitations" | "settings"> & { readonly passwords: Passwords };

const TAGS = ["people"];
const ERRORS = { 400: problem, 401: problem, 403: problem };
const TOKEN_BYTES = 32;

/** Long enough for a weekend and a holiday. */
const TTL_SECONDS = 7 * 24 * 3_600;

/** Links that make people members of the organisation. */
export function registerInvitationRoutes(app: FastifyInstance, deps: Deps): void {
  registerInviting(app, deps);
  registerAccepting(app, deps);
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get(
    "/invitations",
    {
      config: { permission: "organizations.invite" },
      schema: {
        tags: TAGS,
        summary: "Invitations that nobody has accepted yet",
        response: { 200: invitationList, ...ERRORS },
      },
    },
    async (request) => {
      const found = await deps.invitations.list(identityOf(request).organizationId);
      return { items: found.map(toView) };
    },
  );
  routes.delete(
    "/invitations/:id",
    {
      config: { permission: "organizations.invite" },
      schema: {
        tags: TAGS,
        summary: "Take an invitation back: its link opens nothing any more",
        params: idParams,
        response: { 204: z.null(), ...ERRORS, 404: problem },
      },
    },
    async (request, reply) => {
      const { organizationId } = identityOf(request);
      if (!(await deps.invitations.revoke(organizationId, request.params.id))) throw notFound();
      return reply.code(204).send(null);
    },
  );
}

function registerInviting(app: FastifyInstance, { invitations, settings }: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    "/invitations",
    {
      config: { permission: "organizations.invite" },
      schema: {
        tags: TAGS,
        summary: "Invite a person; the link is in this answer and never again",
        description:
          "The link works once and for seven days. Inviting the same address again ends the earlier link. Nothing is sent: hand the link over yourself. Owners are invited by owners.",
        body: invitationRequest,
        response: { 201: newInvitation, ...ERRORS, 409: problem },
      },
    },
    async (request, reply) => {
      const { organizationId, userId, role } = identityOf(request);
      if (request.body.role === "owner" && role !== "owner")
        throw forbidden("Only owners invite owners.");
      const token = randomBytes(TOKEN_BYTES).toString("base64url");
      const made = await invitations.create(organizationId, {
        ...request.body,
        invitedById: userId,
        tokenHash: hashToken(token),
        ttlSeconds: TTL_SECONDS,
      });
      if (made === undefined)
        throw new AppError({ code: "already_exists", message: "this address is a member already" });
      const host = settings.hostPrefix === "" ? originOf(request) : settings.hostPrefix;
      // The token stands behind the #: a browser sends it to no server and into no log.
      const url = `${host}/invitation#${token}`;
      return reply.code(201).send({ ...toView(made), token, url });
    },
  );
}

function originOf({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`;
}

function registerAccepting(app: FastifyInstance, { invitations, passwords }: Deps): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    "/invitations/accept",
    {
      config: { public: true },
      schema: {
        tags: TAGS,
        summary: "Become a member with the token of an invitation",
        body: acceptInvitation,
        response: { 201: acceptedInvitation, 400: problem, 404: problem, 409: problem },
      },
    },
    async (request, reply) => {
      const { token, password, firstName, lastName } = request.body;
      const passwordHash = await passwords.hash(password);
      const person = { firstName, lastName, passwordHash };
      const member = await invitations.accept(hashToken(token), person);
      if (member === undefined) throw notFound();
      if (member === "taken")
        throw new AppError({
          code: "already_exists",
          message:
            "this address has an account in another organisation, and an account belongs to one",
        });
      request.identity = member;
      const { userId, email, role, organizationTitle: organization } = member;
      return reply.code(201).send({ userId, email, role, organization });
    },
  );
}

function toView({ createdAt, expiresAt, ...invitation }: InvitationRecord): InvitationView {
  const { id, email, role, invitedById } = invitation;
  return {
    ...{ id, email, role, invitedById },
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}
