import { spawnSync } from "node:child_process";
import { ROOT } from "./paths.mjs";

/** Runs npm under this very Node (under an older one npm warns about every package). Ends the process when it fails. */
export function runNpm(args) {
  const cli = process.env.npm_execpath;
  const isScript = cli !== undefined && /\.[cm]?js$/.test(cli);
  const [command, list] = isScript ? [process.execPath, [cli, ...args]] : ["npm", args];
  // What the outer npm says about the outer task would steer the inner one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_(package|lifecycle|command)/.test(key)),
  );
  const result = spawnSync(command, list, {
    cwd: ROOT,
    env,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32" && !isScript,
  });
  if (result.error !== undefined) console.error(`could not run npm: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}
