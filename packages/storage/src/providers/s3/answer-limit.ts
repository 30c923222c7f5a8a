import type * as Sdk from "@aws-sdk/client-s3";
import { AppError } from "@bucketbridge/core";

/** S3's answers that are no object and no listing have a few kilobytes. A hostile endpoint could send for ever. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** Calls whose good answers are read as a stream, with limits of their own. */
const STREAMED: ReadonlySet<string> = new Set(["GetObjectCommand", "ListObjectsV2Command"]);

/** Reads errors and short answers of a client itself, up to a bound; the SDK would collect whatever comes. */
export function limitAnswers(client: Sdk.S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      const response = result.response as Answer;
      const isGood = response.statusCode < 300;
      const isStreamed = isGood && STREAMED.has(String(context["commandName"]));
      if (!isStreamed && response.body !== undefined)
        response.body = await collectAnswer(response.body);
      return result;
    },
    // The innermost place: what the SDK sees is bounded.
    { step: "deserialize", priority: "low", name: "bucketbridgeAnswerLimit" },
  );
}

interface Answer {
  readonly statusCode: number;
  body: unknown;
}

/** The bytes of a short answer. `unavailable` when there are too many, which ends the request. */
export async function collectAnswer(body: unknown): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new AppError({
        code: "unavailable",
        reason: "s3.malformed_answer",
        message: `the answer of the store has more than ${String(MAX_ANSWER_BYTES)} bytes and is no object; check the endpoint`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
