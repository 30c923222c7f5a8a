import type { FastifyReply } from "fastify";

/** Calls `then` once, when the connection of a request has closed: at once when it closed before anybody asked. */
export function onceClosed(raw: FastifyReply["raw"], then: () => void): void {
  if (raw.destroyed) then();
  else raw.once("close", then);
}

/** Aborted when the client has left before its answer was complete. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  onceClosed(reply.raw, () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
