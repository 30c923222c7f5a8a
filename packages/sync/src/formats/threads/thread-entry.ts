import { parentPort } from "node:worker_threads";
import { toFileProblem } from "../parquet/problems.ts";
import { ParseHandlers } from "./parse-handlers.ts";
import type { ParseAnswer, ParseMessage } from "./requests.ts";

/** Runs in a worker thread: one answer per message. */
const handlers = new ParseHandlers();

async function answer(message: ParseMessage): Promise<ParseAnswer> {
  try {
    return { kind: "output", output: await handlers.answer(message.name, message.input) };
  } catch (error) {
    const problem = toFileProblem(error);
    if (problem !== undefined) return { kind: "problem", ...problem };
    return { kind: "error", message: error instanceof Error ? error.message : "unknown error" };
  }
}

parentPort?.on("message", (message: ParseMessage) => {
  void answer(message).then((reply) => parentPort?.postMessage(reply));
});
