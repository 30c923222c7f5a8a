import { randomBytes } from "node:crypto";
import {
  eventKeyList,
  eventKeyParams,
  idParams,
  newEventKey,
  type EventKeyView,
} from "@bucketbridge/contracts";
import { Secret } from "@bucketbridge/core";
import type { EventKeyRecord } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { problem } from "../problem.ts";
import { findProject } from "./find-project.ts";

const TAGS = ["annotation events"];
const ERRORS = { 401: problem, 403: problem, 404: problem } as const;
const SECRET_BYTES = 32;

type KeyDeps = Pick<ApiDeps, "eventAccess" | "projects">;

/** Keys that sign the events of a project. Two are valid at a time, so that one can take the place of the other. */
export function registerEventKeyRoutes(app: FastifyInstance, deps: KeyDeps): void {
  registerKeyReading(app, deps);
  registerKeyChanges(app, deps);
}

function registerKeyReading(app: FastifyInstance, deps: KeyDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    "/projects/:id/event-keys",
    {
      config: { permission: "webhooks.view" },
      schema: {
        tags: TAGS,
        summary: "Keys in force, without their secrets",
        params: idParams,
        response: { 200: eventKeyList, ...ERRORS },
      },
    },
    async (request) => {
      const { organizationId, projectId } = await findProject(deps, request);
      const keys = await deps.eventAccess.listKeys(organizationId, projectId);
      return { items: keys.map(toView) };
    },
  );
}

function registerKeyChanges(app: FastifyInstance, { eventAccess, projects }: KeyDeps): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.post(
    "/projects/:id/event-keys",
    {
      config: { permission: "projects.change" },
      schema: {
        tags: TAGS,
        summary: "Make a key; its secret is in this answer and never again",
        params: idParams,
        response: { 201: newEventKey, 412: problem, ...ERRORS },
      },
    },
    async (request, reply) => {
      const { organizationId, projectId } = await findProject({ projects }, request);
      const secret = new Secret(randomBytes(SECRET_BYTES).toString("base64url"));
      const key = await eventAccess.addKey(organizationId, projectId, secret);
      if (key === undefined) throw notFound("Project");
      return reply.code(201).send({ ...toView(key), secret: secret.reveal() });
    },
  );
  routes.delete(
    "/projects/:id/event-keys/:keyId",
    {
      config: { permission: "projects.change" },
      schema: {
        tags: TAGS,
        summary: "Revoke a key: from now on it signs nothing",
        params: eventKeyParams,
        response: { 204: z.null(), ...ERRORS },
      },
    },
    async (request, reply) => {
      const { organizationId, projectId } = await findProject({ projects }, request);
      const { keyId } = request.params;
      if (!(await eventAccess.revokeKey(organizationId, projectId, keyId))) throw notFound();
      return reply.code(204).send(null);
    },
  );
}

function toView({ id, createdAt }: EventKeyRecord): EventKeyView {
  return { id, createdAt: createdAt.toISOString() };
}
