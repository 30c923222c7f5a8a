// Everything that can be checked without running the product: node scripts/check.ts [step ...]
import path from "node:path";
import { runSteps, type Step } from "./steps.ts";
import { NODE_MODULES } from "./launcher/paths.mjs";

const tool = (file: string): string => path.join(NODE_MODULES, file);

/** The slow ones first: two run at a time. */
const STEPS: readonly Step[] = [
  {
    name: "lint",
    command: [
      tool("eslint/bin/eslint.js"),
      ".",
      "--max-warnings=0",
      "--cache",
      "--cache-location=.cache/eslint/",
      "--cache-strategy=content",
    ],
  },
  { name: "types", command: [tool("typescript/bin/tsc"), "-p", "tsconfig.json"] },
  { name: "drift", command: ["scripts/check-drift.ts"] },
  {
    name: "format",
    command: [
      tool("prettier/bin/prettier.cjs"),
      "--check",
      "--log-level=warn",
      "--cache",
      "--cache-location=.cache/prettier",
      ".",
    ],
  },
  { name: "knip", command: [tool("knip/bin/knip.js"), "--no-config-hints"] },
  {
    name: "layers",
    command: [
      tool("dependency-cruiser/bin/dependency-cruiser.mjs"),
      "apps",
      "packages",
      "scripts",
      "bench",
    ],
  },
  { name: "documents", command: ["scripts/gen/main.ts", "--check"] },
  { name: "lockfile", command: ["scripts/check-lockfile.ts"] },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(
    `unknown step ${unknown.join(", ")}; there are ${STEPS.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}
const steps = wanted.length === 0 ? STEPS : STEPS.filter(({ name }) => wanted.includes(name));
process.exitCode = (await runSteps(steps)) ? 0 : 1;
