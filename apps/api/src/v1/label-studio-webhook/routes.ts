import { randomBytes } from "node:crypto";
import {
  changeWebhookBody,
  idParams,
  labelStudioHook,
  MAX_ROW_ID,
  newWebhookHeader,
  webhookAnswer,
} from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiDeps } from "../../deps.ts";
import { hashToken } from "../../tokens.ts";
import { applyEvents, type EventDeps, type EventPlace } from "../annotation-events/apply-events.ts";
import { findProject } from "../annotation-events/find-project.ts";
import { problem } from "../problem.ts";
import { authenticateHook } from "./hook-access.ts";
import { toHookChanges } from "./hook-changes.ts";
import { readSourceNames, type SourceNameDeps } from "./source-names.ts";

const TAGS = ["label studio webhook"];
const PATH = "/projects/:id/label-studio-webhook";
const SECRET_BYTES = 32;

type WebhookDeps = EventDeps & SourceNameDeps & Pick<ApiDeps, "eventAccess" | "log" | "projects">;

/** What is read of every call: other actions may have any body. */
const hookBody = z.looseObject({ action: z.string() });

/** Calls of Label Studio's own webhooks, and the header that they must carry. */
export function registerLabelStudioWebhookRoutes(app: FastifyInstance, deps: WebhookDeps): void {
  registerSettings(app, deps);
  registerCalls(app, deps);
}

function registerSettings(
  app: FastifyInstance,
  { eventAccess, projects }: Pick<WebhookDeps, "eventAccess" | "projects">,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const errors = { 401: problem, 403: problem, 404: problem } as const;
  routes.put(
    PATH,
    {
      config: { permission: "webhooks.change" },
      schema: {
        tags: TAGS,
        summary: "Take calls of Label Studio's webhook; the header to set in it is shown once",
        description: "A second call makes a new value, and the one before is refused at once.",
        params: idParams,
        body: changeWebhookBody,
        response: { 200: newWebhookHeader, 400: problem, ...errors },
      },
    },
    async (request) => {
      const { organizationId, projectId } = await findProject({ projects }, request);
      const { headerName } = request.body;
      const value = randomBytes(SECRET_BYTES).toString("base64url");
      const header = { headerName, secretHash: hashToken(value) };
      await eventAccess.setWebhook(organizationId, projectId, header);
      return { headerName, value };
    },
  );
  routes.delete(
    PATH,
    {
      config: { permission: "webhooks.change" },
      schema: {
        tags: TAGS,
        summary: "Take no more calls",
        params: idParams,
        response: { 204: z.null(), ...errors },
      },
    },
    async (request, reply) => {
      const { organizationId, projectId } = await findProject({ projects }, request);
      await eventAccess.setWebhook(organizationId, projectId, undefined);
      return reply.code(204).send(null);
    },
  );
}

function registerCalls(app: FastifyInstance, deps: WebhookDeps): void {
  const places = new WeakMap<FastifyRequest, EventPlace>();
  app.withTypeProvider<ZodTypeProvider>().post(
    PATH,
    {
      config: { public: true, rate: "signed" },
      onRequest: async (request) => {
        // Before the body is read.
        places.set(request, await authenticateHook(deps, request, toProjectId(request.params)));
      },
      schema: {
        tags: TAGS,
        summary: "A call of Label Studio's webhook",
        description:
          "ANNOTATION_CREATED, ANNOTATION_UPDATED, ANNOTATIONS_CREATED and ANNOTATIONS_DELETED are applied, ordered by updated_at; everything else is ignored. The task is found by the other server's id as its external id, else by an object that its data names: a reference into the bucket of a source of the project, or a local file in its folder. Whoever completed an annotation is unknown here and stays null.",
        security: [],
        params: idParams,
        body: hookBody,
        response: { 200: webhookAnswer, 400: problem, 401: problem },
      },
    },
    async (request) => {
      const place = places.get(request);
      if (place === undefined || !isApplied(request.body))
        return { status: "ignored" as const, results: [] };
      const hook = labelStudioHook.safeParse(request.body);
      if (!hook.success) throw invalidHook(hook.error);
      const names = await readSourceNames(deps, place);
      const results = await applyEvents(deps, place, toHookChanges(hook.data, names));
      for (const { status, code, externalId } of results)
        if (status === "failed") deps.log.warn({ ...place, externalId, code }, "webhook.failed");
      return { status: "applied" as const, results };
    },
  );
}

const APPLIED: ReadonlySet<string> = new Set([
  "ANNOTATION_CREATED",
  "ANNOTATION_UPDATED",
  "ANNOTATIONS_CREATED",
  "ANNOTATIONS_DELETED",
]);

/** A hook without payload says nothing but its action. */
function isApplied(body: z.output<typeof hookBody>): boolean {
  return APPLIED.has(body.action) && Object.keys(body).length > 1;
}

/** The hook asks before the path is checked; what is no id has no webhook. */
function toProjectId(params: unknown): number {
  const { id = 0 } = idParams.safeParse(params).data ?? {};
  return id > MAX_ROW_ID ? 0 : id;
}

function invalidHook(error: z.ZodError): AppError {
  const { path = [], message = "invalid" } = error.issues[0] ?? {};
  return new AppError({
    code: "invalid_input",
    message: `the call of the hook cannot be read at ${path.join(".")}: ${message}`,
  });
}
