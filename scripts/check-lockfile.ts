// The lockfile must install anywhere: no download host of ours in it, and every optional package of every platform.
import fs from "node:fs";
import path from "node:path";
import { findLockProblems, type LockedPackages } from "./lockfile.ts";
import { ROOT } from "./launcher/paths.mjs";

const lock = JSON.parse(fs.readFileSync(path.join(ROOT, "package-lock.json"), "utf8")) as {
  packages: LockedPackages;
};
const problems = findLockProblems(lock.packages);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
