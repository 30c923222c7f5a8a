import fs from "node:fs";

/** What one repetition of one arm took. */
export interface Sample {
  readonly wallMs: number;
  /** Processor time of this process. */
  readonly ownCpuMs: number;
  /** Processor time of PostgreSQL, all its processes together. */
  readonly serverCpuMs: number;
}

/** Times one piece of work under a name. */
export type Stopwatch = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** One of the things that are compared: prepares what shall not count and times what does, under one or more names. */
export type Arm = (clock: Stopwatch) => Promise<void>;

/** Samples by name, in order of the repetitions. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/**
 * Runs all arms `repetitions` times in turns, every second time in reverse: what else the machine does hits them alike, and
 * none is always the first.
 */
export async function interleave(
  arms: readonly Arm[],
  options: {
    readonly repetitions: number;
    readonly postgresPid: number;
    readonly say: (line: string) => void;
  },
): Promise<Samples> {
  const samples = new Map<string, Sample[]>();
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    const order = repetition % 2 === 0 ? arms : arms.toReversed();
    for (const arm of order) {
      await arm(async (name, work) => {
        const { result, sample } = await time(work, options.postgresPid);
        samples.set(name, [...(samples.get(name) ?? []), sample]);
        const { wallMs, ownCpuMs, serverCpuMs } = sample;
        options.say(
          `${name}: ${toSeconds(wallMs)} s (CPU ${toSeconds(ownCpuMs)} + ${toSeconds(serverCpuMs)} s)`,
        );
        return result;
      });
    }
  }
  return samples;
}

function toSeconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

async function time<T>(
  work: () => Promise<T>,
  postgresPid: number,
): Promise<{ readonly result: T; readonly sample: Sample }> {
  const before = { server: readTreeCpuMs(postgresPid), own: process.cpuUsage() };
  const startedMs = performance.now();
  const result = await work();
  const wallMs = performance.now() - startedMs;
  const own = process.cpuUsage(before.own);
  return {
    result,
    sample: {
      wallMs,
      ownCpuMs: (own.user + own.system) / 1_000,
      serverCpuMs: readTreeCpuMs(postgresPid) - before.server,
    },
  };
}

/** The median of one column of an arm. */
export function medianOf(samples: Samples, name: string, column: keyof Sample = "wallMs"): number {
  return median((samples.get(name) ?? []).map((sample) => sample[column]));
}

/**
 * The median over the repetitions of how fast `name` was against `reference` in the same repetition: 1 is as fast, 0.5
 * half as fast.
 */
export function speedAgainst(samples: Samples, name: string, reference: string): number {
  const own = samples.get(name) ?? [];
  const other = samples.get(reference) ?? [];
  return median(own.map(({ wallMs }, index) => (other[index]?.wallMs ?? Number.NaN) / wallMs));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** "10.3k/s, CPU 5.1 s + PostgreSQL 6.0 s": a rate by wall time and what it took. */
export function describeRate(samples: Samples, name: string, count: number): string {
  const rate = count / medianOf(samples, name);
  const own = medianOf(samples, name, "ownCpuMs") / count;
  const server = medianOf(samples, name, "serverCpuMs") / count;
  const cpu = (msPerItem: number): string => (msPerItem * 1_000).toFixed(0);
  return `${name} ${rate.toFixed(1)}k/s (µs CPU each: ${cpu(own)} node, ${cpu(server)} PostgreSQL)`;
}

/** Linux counts in ticks of 10 ms; elsewhere nothing is known and 0 is given. */
const MS_PER_TICK = 10;
/** What /proc says of a process that has just ended. */
const GONE = new Set<unknown>(["ENOENT", "ESRCH"]);

/** Processor time of a process and its children, dead ones included. */
function readTreeCpuMs(pid: number): number {
  if (!fs.existsSync("/proc/self/stat")) return 0;
  const children = fs.readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, "utf8");
  const alive = children.split(" ").filter((word) => word !== "");
  const ticks = alive.map((child) => readTicks(child, 2)).reduce((sum, each) => sum + each, 0);
  return (readTicks(String(pid), 4) + ticks) * MS_PER_TICK;
}

/** Fields 14 to 17 of /proc/<pid>/stat: user, system, and the same of children that have ended. 0 for a process that is gone. */
function readTicks(pid: string, fields: number): number {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const behindName = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return behindName.slice(11, 11 + fields).reduce((sum, field) => sum + Number(field), 0);
}

/** A process may end between two looks; its parent has its time then. */
function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && GONE.has(error.code)) return "";
    throw error;
  }
}
