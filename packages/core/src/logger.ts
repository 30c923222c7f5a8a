/** Fields of a log line: plain values only; secrets are wrapped in `Secret` or removed before. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What packages log to. The apps give pino; tests give a recorder. The event name is a constant, dotted, noun first. */
export interface Logger {
  debug(fields: LogFields, event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Logger;
}

/** Drops everything. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
