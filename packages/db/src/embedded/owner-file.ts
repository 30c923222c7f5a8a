import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { AppError } from "@bucketbridge/core";

/**
 * One process owns a data directory: a second start would take the running PostgreSQL for a leftover and stop it.
 * The file holds pid and start of the owner, so that a pid used again after a crash or a reboot is no owner.
 */
export class OwnerFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Becomes the owner. Throws `conflict` while another living process is. */
  take(): void {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (this.#tryCreate()) return;
      const owner = this.#livingOwner();
      if (owner !== undefined) {
        throw new AppError({
          code: "conflict",
          message: `this data directory is in use by process ${String(owner)}; stop it or choose another directory`,
          context: { file: this.#file, pid: owner },
        });
      }
      fs.rmSync(this.#file, { force: true });
    }
    throw new AppError({
      code: "conflict",
      message: "another process is starting on this data directory",
    });
  }

  /** Ends the ownership; harmless when it ended before. */
  release(): void {
    fs.rmSync(this.#file, { force: true });
  }

  #tryCreate(): boolean {
    try {
      fs.writeFileSync(this.#file, `${String(process.pid)}\n${startOf(process.pid) ?? ""}\n`, {
        flag: "wx",
        mode: 0o600,
      });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  }

  #livingOwner(): number | undefined {
    const [pid = "", start = ""] = fs.readFileSync(this.#file, "utf8").split("\n");
    const current = startOf(Number(pid));
    return current !== undefined && current === start ? Number(pid) : undefined;
  }
}

/** When a process started, as text that only serves to be compared; `undefined` when there is none. */
function startOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === "linux") {
    const stat = `/proc/${String(pid)}/stat`;
    if (!fs.existsSync(stat)) return undefined;
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // The command name in brackets may hold spaces. After it: field 3, the state, and field 22, the start.
    const fields = fs.readFileSync(stat, "utf8").split(") ").at(-1)?.split(" ");
    return fields?.[0] === "Z" ? undefined : `${boot} ${fields?.[19] ?? ""}`;
  }
  const result = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  return result.status === 0 ? result.stdout.trim() : undefined;
}
