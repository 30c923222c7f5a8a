// Runs the tests of one set and ends with one line that counts them: node scripts/test.ts SET [vitest arguments]
import { checkProviders, closeRun, runVitest } from "./testing/vitest-run.ts";

const PROJECTS: Readonly<Record<string, readonly string[]>> = {
  all: ["unit", "conformance", "int"],
  conformance: ["conformance"],
  int: ["int"],
  long: ["long"],
  chaos: ["chaos"],
};

const [set = "all", ...args] = process.argv.slice(2);
process.exitCode = await runSet(set, args);

async function runSet(name: string, extra: readonly string[]): Promise<number> {
  const projects = PROJECTS[name];
  if (projects === undefined) {
    console.error(`unknown set of tests ${name}; one of ${Object.keys(PROJECTS).join(", ")}`);
    return 2;
  }
  const run = await runVitest({ projects, args: extra });
  if (name === "all") console.log("not among these: npm run test:long, test:matrix and test:chaos");
  const required = projects.includes("conformance") ? process.env["REQUIRE_PROVIDERS"] : undefined;
  return closeRun(run, await checkProviders(required, run.summary));
}
