import type { LogFields, Logger } from "@bucketbridge/core";

/** One line as it was logged, the fields of its parents included. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines, those of its children too. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly LogLine[];
  /** Lines with this event name. */
  find(event: string): LogLine[];
  /** All lines as text, for a search for secrets. Errors are written with message, stack, cause and own fields. */
  text(): string;
}

/** Makes an empty recorder. */
export function makeRecordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  return {
    ...loggerInto(lines, {}),
    lines,
    find: (event) => lines.filter((line) => line.event === event),
    text: () => lines.map((line) => JSON.stringify(line, showErrors)).join("\n"),
  };
}

function loggerInto(lines: LogLine[], inherited: LogFields): Logger {
  const at =
    (level: LogLine["level"]) =>
    (fields: LogFields, event: string): void => {
      lines.push({ level, event, fields: { ...inherited, ...fields } });
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => loggerInto(lines, { ...inherited, ...fields }),
  };
}

/** JSON leaves out what an error says, which is where a secret would hide. */
function showErrors(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  return {
    ...Object.fromEntries(Object.entries(value)),
    name: value.name,
    message: value.message,
    stack: value.stack,
    cause: value.cause,
  };
}
