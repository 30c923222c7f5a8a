import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import type { Board, BoardQueue } from "@bucketbridge/queue";
import type { FastifyInstance } from "fastify";
import { methodNotAllowed, sendEnvelope } from "./errors.ts";
import { registerPageAuth, type PageAuthOptions } from "./page-auth.ts";

const BASE_PATH = "/admin/queues";

/** The page names fonts of another host; nothing is fetched from there. It styles elements inline. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** What the board is made of; it is not mounted without queues. */
export interface BoardOptions extends Pick<PageAuthOptions, "authenticate" | "limiter"> {
  readonly board: Board;
}

/** Bull Board, for reading only. Everything that it answers passes one redaction (design §8). */
export async function registerBoard(app: FastifyInstance, options: BoardOptions): Promise<void> {
  const { board, authenticate, limiter } = options;
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(BASE_PATH);
  createBullBoard({
    queues: board.queues.map((queue) => toAdapter(board, queue)),
    serverAdapter,
    options: {
      uiConfig: { boardTitle: "Bucketbridge jobs", hideRedisDetails: true, hideDocsLink: true },
      handlerHooks: {
        after: (_context, result) => ({
          ...result,
          body: board.redact(result.body) as typeof result.body,
        }),
      },
    },
  });
  await app.register(async (scope) => {
    registerPageAuth(scope, { permission: "board.view", authenticate, limiter });
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("content-security-policy", CONTENT_SECURITY_POLICY);
      // Its own read-only mode answers some writes with 200 and does nothing; here nothing but reading gets that far.
      if (request.method !== "GET" && request.method !== "HEAD") {
        await sendEnvelope(methodNotAllowed(request.method, ["GET", "HEAD"]), request, reply);
      }
    });
    await scope.register(serverAdapter.registerPlugin(), { prefix: BASE_PATH });
  });
}

function toAdapter(board: Board, { queue, description }: BoardQueue): BullMQAdapter {
  const adapter = new BullMQAdapter(queue, {
    readOnlyMode: true,
    allowRetries: false,
    description,
    externalJobUrl: ({ data }) => ({ displayText: "Run", href: board.href(data) ?? "#" }),
  });
  adapter.setFormatter(
    "name",
    (job: { readonly data?: unknown; readonly name?: string }) =>
      board.title(job.data) ?? job.name ?? "",
  );
  return adapter;
}
