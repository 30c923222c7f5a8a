import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** The file of one provider on one service, `<provider>-<service>.json` in `CONFORMANCE_REPORT_DIR`. */
export interface ConformanceReportFile {
  readonly provider: string;
  readonly service: string;
  /** Set when the service could not be had: then no case ran. */
  readonly unavailable?: string | undefined;
  /** Cases that began; `passed` of them ended well. */
  readonly started: number;
  readonly passed: number;
  readonly failed: readonly string[];
  /** Cases that did not run, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
}

/**
 * Counts what the suite really ran, so that a provider that ran no case can be red. Written only when
 * `CONFORMANCE_REPORT_DIR` is set.
 */
export class ConformanceReport {
  readonly #provider: string;
  readonly #service: string;
  readonly #started = new Set<string>();
  readonly #passed = new Set<string>();
  readonly #skipped = new Map<string, string>();

  constructor(provider: string, service: string) {
    this.#provider = provider;
    this.#service = service;
  }

  started(name: string): void {
    this.#started.add(name);
  }

  passed(name: string): void {
    this.#passed.add(name);
  }

  skipped(name: string, reason: string): void {
    this.#skipped.set(name, reason);
  }

  /** Writes the file; does nothing without a directory. */
  async write(unavailable?: string): Promise<void> {
    const directory = process.env["CONFORMANCE_REPORT_DIR"];
    if (directory === undefined || directory === "") return;
    const file: ConformanceReportFile = {
      provider: this.#provider,
      service: this.#service,
      unavailable,
      started: this.#started.size,
      passed: this.#passed.size,
      failed: [...this.#started].filter((name) => !this.#passed.has(name)),
      skipped: Object.fromEntries(this.#skipped),
    };
    await mkdir(directory, { recursive: true });
    const name = `${this.#provider}-${this.#service}`.replaceAll(/[^\w.-]+/g, "-");
    await writeFile(
      path.join(directory, `${name}.json`),
      `${JSON.stringify(file, undefined, 2)}\n`,
    );
  }
}
