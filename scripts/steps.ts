import { spawn } from "node:child_process";
import { ROOT } from "./launcher/paths.mjs";

/** One program of a check, run by Node. */
export interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Outcome {
  readonly isGood: boolean;
  readonly output: string;
}

/** Most machines that run this have two cores. */
const PARALLEL = 2;

/**
 * Runs the steps, two at a time, in order. Prints a line with seconds per step, and the output of one that failed. True
 * when all were good.
 */
export async function runSteps(steps: readonly Step[]): Promise<boolean> {
  const queue = [...steps];
  const startedMs = performance.now();
  const lane = async (): Promise<boolean> => {
    let isLaneGood = true;
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      const stepMs = performance.now();
      const { isGood, output } = await run(step);
      isLaneGood &&= isGood;
      console.log(`${isGood ? "ok  " : "FAIL"} ${step.name.padEnd(10)} ${seconds(stepMs)}`);
      if (!isGood) console.log(output);
    }
    return isLaneGood;
  };
  const lanes = await Promise.all(Array.from({ length: PARALLEL }, lane));
  const allGood = lanes.every(Boolean);
  console.log(`${allGood ? "all checks passed" : "checks failed"} in ${seconds(startedMs)}`);
  return allGood;
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;
}

function run({ command }: Step): Promise<Outcome> {
  return new Promise((resolve) => {
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const child = spawn(process.execPath, command, { cwd: ROOT, stdio: [...stdio] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", (error) => {
      resolve({ isGood: false, output: error.message });
    });
    child.once("close", (code) => {
      resolve({ isGood: code === 0, output: output.trim() });
    });
  });
}
