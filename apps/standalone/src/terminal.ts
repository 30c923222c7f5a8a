import { isSecretField, redactText, type LogFields, type Logger } from "@bucketbridge/core";

/** Writes for a person: plain lines, and one line that is replaced while something runs. */
export class Terminal {
  readonly #out: NodeJS.WriteStream;
  #hasLiveLine = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  line(text: string): void {
    this.#clearLiveLine();
    this.#out.write(`${text}\n`);
  }

  /** Replaces the live line; without a terminal it writes nothing, so logs stay short. */
  live(text: string): void {
    if (!this.#out.isTTY) return;
    this.#clearLiveLine();
    this.#out.write(text);
    this.#hasLiveLine = true;
  }

  #clearLiveLine(): void {
    if (this.#hasLiveLine) this.#out.write("\r\u001b[2K");
    this.#hasLiveLine = false;
  }
}

/** A logger that shows warnings and errors as lines; the rest is of no use to a person who starts the system. */
export function createTerminalLogger(terminal: Terminal): Logger {
  const show = (fields: LogFields, event: string): void => {
    const shown = Object.entries(fields)
      .filter(([name]) => !isSecretField(name))
      .map(
        ([name, value]) =>
          `${name}=${redactText(value instanceof Error ? value.message : String(value))}`,
      );
    terminal.line(`  ${event} ${shown.join(" ")}`);
  };
  const silent = (): void => undefined;
  const log: Logger = { debug: silent, info: silent, warn: show, error: show, child: () => log };
  return log;
}
