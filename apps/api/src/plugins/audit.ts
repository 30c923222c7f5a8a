import type { NewAuditEvent } from "@bucketbridge/db";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { findAction } from "../audit/actions.ts";
import type { AuditWriter } from "../audit/audit-writer.ts";
import { describeBody } from "../audit/details.ts";
import type { Identity } from "../identity.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Id of what an audited request made. */
    madeId: number | null;
  }
}

const MAX_TOLD_BYTES = 1024 * 1024;
/** A refusal is written down once a minute for the same person and route. */
const REFUSAL_WINDOW_MS = 60_000;

/**
 * Writes down, after the answer: changes of the configuration and syncs that were done, refusals, and the first time that a
 * person opens media of a task on a day. Never a value that could be a secret.
 */
export function registerAudit(app: FastifyInstance, writer: AuditWriter): void {
  app.decorateRequest("madeId", null);
  app.addHook("onSend", (request, reply, payload, done) => {
    if (isAudited(request, reply)) request.madeId = readId(payload);
    done(null, payload);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { identity } = request;
    if (identity !== null) record(writer, identity, request, reply);
    done();
  });
  app.addHook("onClose", async () => {
    await writer.flush();
  });
}

function record(
  writer: AuditWriter,
  identity: Identity,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { statusCode } = reply;
  const { config, url = "" } = request.routeOptions;
  if (statusCode === 403 || isOutside(request, reply)) {
    const minute = Math.floor(Date.now() / REFUSAL_WINDOW_MS);
    const key = [identity.userId, request.method, url, minute].join(" ");
    const event = toEvent(identity, request, reply, "access.denied");
    writer.recordOnce(key, { ...event, ...subjectOf(request, config.within ?? null) });
    return;
  }
  if (statusCode >= 400) return;
  if (config.permission === "media.view" && config.within === "task") {
    const subject = subjectOf(request, "task");
    const day = new Date().toISOString().slice(0, 10);
    const event = { ...toEvent(identity, request, reply, "media.opened"), ...subject };
    const key = ["media", identity.userId, subject.subjectId, day].join(" ");
    writer.recordOnce(key, { ...event, isDaily: true });
    return;
  }
  const action = findAction(request.method, url, config.permission);
  if (action === undefined) return;
  const event = toEvent(identity, request, reply, `${action.noun}.${action.verb}`);
  writer.record({ ...event, ...subjectOf(request, action.subjectType) });
}

/** Somebody who sees projects only as a member asked for what lies in another one. */
function isOutside(
  { routeOptions, isOutsideProject }: FastifyRequest,
  reply: FastifyReply,
): boolean {
  return reply.statusCode === 404 && routeOptions.config.within !== undefined && isOutsideProject;
}

function isAudited(request: FastifyRequest, reply: FastifyReply): boolean {
  const { config, url = "" } = request.routeOptions;
  const isJson = String(reply.getHeader("content-type") ?? "").includes("json");
  return (
    isJson &&
    reply.statusCode < 300 &&
    findAction(request.method, url, config.permission) !== undefined
  );
}

function toEvent(
  { organizationId, userId, tokenId }: Identity,
  request: FastifyRequest,
  { statusCode }: FastifyReply,
  action: string,
): Omit<NewAuditEvent, "subjectType" | "subjectId"> {
  const route = `${request.method} ${request.routeOptions.url ?? ""}`;
  return {
    ...{ organizationId, actorId: userId, tokenId: tokenId ?? null, action, status: statusCode },
    requestId: request.id,
    address: request.ip,
    details: { route, params: toIds(request), ...describeBody(request.body) },
    isDaily: false,
  };
}

/** What the request made, or else what the last id of its path names. */
function subjectOf(
  request: FastifyRequest,
  subjectType: string | null,
): Pick<NewAuditEvent, "subjectType" | "subjectId"> {
  const ids = Object.values(toIds(request));
  return { subjectType, subjectId: request.madeId ?? ids.at(-1) ?? null };
}

function toIds({ params }: FastifyRequest): Record<string, number> {
  const entries = Object.entries((params ?? {}) as Readonly<Record<string, string>>);
  return Object.fromEntries(
    entries.flatMap(([name, text]) => (/^\d{1,15}$/.test(text) ? [[name, Number(text)]] : [])),
  );
}

function readId(payload: unknown): number | null {
  if (typeof payload !== "string" || payload.length > MAX_TOLD_BYTES || !payload.startsWith("{"))
    return null;
  const { id } = JSON.parse(payload) as { readonly id?: unknown };
  return Number.isSafeInteger(id) ? (id as number) : null;
}
