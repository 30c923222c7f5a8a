import "./buffer-memory.ts";
import { describeIgnoredVariables } from "@bucketbridge/config";
import { AppError, isAppError, redactText } from "@bucketbridge/core";
import type { Logger as Pino } from "pino";
import { startApi, type ApiProcess } from "./api-process.ts";
import { createLogger } from "./logger.ts";
import { watchParent } from "./parent-guard.ts";
import { readSettings } from "./settings.ts";

/** `npm start` gives this to its children: nothing survives it. */
const EXIT_WITH_PARENT = "--exit-with-parent";

/** Whatever hangs, the process ends: longer than a request that waits for a sync. */
const STOP_TIMEOUT_MS = 15_000;

function endWith(api: ApiProcess, log: Pino): (why: string) => void {
  let isEnding = false;
  return (why) => {
    if (isEnding) return;
    isEnding = true;
    log.info({ why }, "api.signal");
    setTimeout(() => {
      log.error({ timeoutMs: STOP_TIMEOUT_MS }, "api.stop.late");
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
    api.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "api.stop.failed");
        process.exit(1);
      },
    );
  };
}

function exitOnCrash(log: Pino): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      log.error({ err: error, event }, "api.crashed");
      process.exit(1);
    });
  }
}

/** What a person can do about it, in one sentence. */
function explain(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "EADDRINUSE" && code !== "EACCES" && code !== "EADDRNOTAVAIL") return error;
  const why = {
    EADDRINUSE: "is in use",
    EACCES: "is not allowed",
    EADDRNOTAVAIL: "does not exist here",
  }[code];
  return new AppError({
    code: "invalid_config",
    message: `the address of HOST and PORT ${why}: choose another one`,
    cause: error,
  });
}

try {
  const settings = readSettings(process.env, process.cwd());
  const log = createLogger(settings.logLevel, { service: "api", pid: process.pid });
  exitOnCrash(log);
  const ignored = describeIgnoredVariables(process.env);
  if (ignored !== undefined) log.warn({ error: ignored }, "config.ignored");
  const api = await startApi(settings, log);
  const end = endWith(api, log);
  // Not through the log, which keeps no secret.
  if (api.setupUrl !== undefined)
    process.stderr.write(
      `api: nobody has an account yet; make the first owner within an hour at ${api.setupUrl}\n`,
    );
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      end(signal);
    });
  }
  if (process.argv.includes(EXIT_WITH_PARENT)) {
    watchParent(() => {
      end("parent gone");
    });
  }
} catch (error) {
  const shown = explain(error);
  const text = isAppError(shown)
    ? shown.message
    : shown instanceof Error
      ? (shown.stack ?? shown.message)
      : "unknown error";
  process.stderr.write(`api: ${redactText(text)}\n`);
  process.exit(1);
}
