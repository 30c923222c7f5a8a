import { Readable } from "node:stream";
import { idParams } from "@bucketbridge/contracts";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { clientSignal, onceClosed } from "../../client-signal.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";
import type { RunWatchers } from "../../runs/run-watchers.ts";
import { problem } from "../problem.ts";
import { getRun } from "../runs/routes.ts";
import { finalEventId, toEventStream } from "./event-stream.ts";
import { StreamSlots } from "./stream-slots.ts";

/** Progress of a run as server-sent events. */
export function registerEventRoutes(
  app: FastifyInstance,
  deps: ApiDeps,
  watchers: RunWatchers,
): void {
  const slots = new StreamSlots();
  const closing = new AbortController();
  // A stream would keep the server from closing.
  app.addHook("preClose", (done) => {
    closing.abort();
    done();
  });
  app.withTypeProvider<ZodTypeProvider>().get(
    "/runs/:id/events",
    {
      config: { permission: "runs.view" },
      schema: {
        tags: ["runs"],
        summary: "Progress of a run as text/event-stream",
        description:
          "Events are called progress, the last one final; their data is the schema RunEvent. They carry the state as it is, so a client that reconnects (with or without Last-Event-ID) has missed nothing; one that comes back after the final event gets 204, which ends an EventSource.",
        params: idParams,
        response: {
          200: z.string(),
          204: z.undefined(),
          401: problem,
          403: problem,
          404: problem,
          429: problem,
        },
      },
    },
    async (request, reply) => {
      const run = await getRun(deps, request);
      if (request.headers["last-event-id"] === finalEventId(run.id)) return reply.code(204).send();
      const release = slots.take(identityOf(request).userId);
      const signal = AbortSignal.any([clientSignal(reply), closing.signal]);
      onceClosed(reply.raw, release);
      const key = { organizationId: run.organizationId, runId: run.id };
      const events = toEventStream(watchers.watch(key, signal), deps.clock, signal);
      return sendEvents(reply, events);
    },
  );
}

/** A stream has no schema; the event's is in the description. */
function sendEvents(reply: FastifyReply, events: AsyncIterable<string>): FastifyReply {
  return (
    reply
      .type("text/event-stream; charset=utf-8")
      // A connection that outlived its stream would hold up the shutdown.
      .headers({ "cache-control": "no-store", "x-accel-buffering": "no", connection: "close" })
      .send(Readable.from(events))
  );
}
