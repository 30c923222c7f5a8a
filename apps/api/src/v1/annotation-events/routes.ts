import {
  annotationEventBatch,
  annotationEventsAnswer,
  type AnnotationEvent,
} from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { EventReceipt } from "@bucketbridge/db";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiDeps } from "../../deps.ts";
import { problem } from "../problem.ts";
import { applyEvents, type AnnotationChange, type EventDeps } from "./apply-events.ts";
import { requireSignature, signedOf, type Signed } from "./signed-scope.ts";

type Answer = z.output<typeof annotationEventsAnswer>;
type RouteDeps = EventDeps & Pick<ApiDeps, "eventAccess" | "clock">;

const eventHeaders = z.looseObject({
  "x-bucketbridge-signature": z.string(),
  "idempotency-key": z.string().min(1).max(200).optional(),
});

/** Events of platforms with a database of their own. */
export function registerAnnotationEventRoutes(app: FastifyInstance, deps: RouteDeps): void {
  void app.register((scope, _options, done) => {
    requireSignature(scope, deps);
    scope.withTypeProvider<ZodTypeProvider>().post(
      "/annotation-events",
      {
        config: { public: true, rate: "signed" },
        schema: {
          tags: ["annotation events"],
          summary: "What a platform with its own database did with its annotations",
          description:
            "X-Bucketbridge-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of `t.body` with a key of the project>, at most five minutes old. Events may come late, twice and out of order: the highest version of an annotation stays, and a deletion keeps older events from bringing it back. A saved event has the whole annotation. With an Idempotency-Key the same batch gets the same answer again. A failed event leaves the others as they are.",
          security: [],
          headers: eventHeaders,
          body: annotationEventBatch,
          response: { 202: annotationEventsAnswer, 400: problem, 401: problem, 409: problem },
        },
      },
      async (request, reply) => {
        const key = request.headers["idempotency-key"];
        const answer = await answerOnce(deps, signedOf(request), key, async (place) =>
          toAnswer(await applyEvents(deps, place, request.body.events.map(toChange))),
        );
        return reply.code(202).send(answer);
      },
    );
    done();
  });
}

/** With a key the stored answer to this batch, if there is one; a batch that the database failed has none. */
async function answerOnce(
  { eventAccess }: RouteDeps,
  signed: Signed,
  idempotencyKey: string | undefined,
  apply: (place: Signed) => Promise<Answer>,
): Promise<Answer> {
  if (idempotencyKey === undefined) return apply(signed);
  const { organizationId, projectId, bodyHash } = signed;
  const earlier = await eventAccess.findReceipt(organizationId, projectId, idempotencyKey);
  if (earlier !== undefined) return readReceipt(earlier, bodyHash);
  const response = await apply(signed);
  const receipt = { idempotencyKey, bodyHash, response };
  return readReceipt(await eventAccess.keepReceipt(organizationId, projectId, receipt), bodyHash);
}

function readReceipt(receipt: EventReceipt, bodyHash: Uint8Array): Answer {
  if (Buffer.compare(receipt.bodyHash, bodyHash) === 0)
    return annotationEventsAnswer.parse(receipt.response);
  throw new AppError({
    code: "already_exists",
    reason: "events.key_reused",
    message: "this idempotency key was used for another batch; use a new key for each batch",
  });
}

function toChange(event: AnnotationEvent): AnnotationChange {
  if (event.action === "deleted") return event;
  const { task, ...rest } = event;
  return { ...rest, tasks: [task] };
}

function toAnswer(results: Answer["results"]): Answer {
  return { results, failed: results.filter(({ status }) => status === "failed").length };
}
