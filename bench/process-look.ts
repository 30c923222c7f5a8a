import fs from "node:fs";

/** Linux counts in ticks of 10 ms. */
const MS_PER_TICK = 10;

/** Processor time and most memory (VmHWM) of a process so far. Linux alone: zeros elsewhere and for a process that is gone. */
export function readProcess(pid: number | undefined): {
  readonly cpuMs: number;
  readonly peakBytes: number;
} {
  const directory = `/proc/${String(pid)}`;
  if (!fs.existsSync(`${directory}/stat`)) return { cpuMs: 0, peakBytes: 0 };
  const stat = fs.readFileSync(`${directory}/stat`, "utf8");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync(`${directory}/status`, "utf8"))?.[1];
  return {
    cpuMs: (Number(user) + Number(system)) * MS_PER_TICK,
    peakBytes: Number(kib ?? 0) * 1_024,
  };
}
