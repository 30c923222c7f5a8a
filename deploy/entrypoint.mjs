// First process of a container: `api`, `worker`, `migrate`, `status` or `make-env`, then the role's own arguments.
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** `entry` runs in this very process, so that signals reach it. */
const ROLES = {
  api: { entry: "apps/api/src/main.ts" },
  worker: { entry: "apps/worker/src/main.ts" },
  migrate: { entry: "scripts/db.ts", args: ["migrate"] },
  status: { entry: "scripts/db.ts", args: ["status"] },
  "make-env": { entry: "scripts/make-env.mjs", args: ["--print"] },
};
/** Everything that api and worker load, without their starts: fills the compile cache while the image is built. */
const WARM = [
  "apps/api/src/api-process.ts",
  "apps/worker/src/deps.ts",
  "apps/worker/src/workers.ts",
  "scripts/launcher/paths.mjs",
];

const [role = "", ...args] = process.argv.slice(2);
if (role === "warm") for (const file of WARM) await load(file);
else if (Object.hasOwn(ROLES, role)) await run(ROLES[role]);
else {
  console.error(`unknown role ${role}; one of ${Object.keys(ROLES).join(", ")}`);
  process.exitCode = 2;
}

async function run({ entry, args: own = [] }) {
  process.argv = [process.execPath, path.join(ROOT, entry), ...own, ...args];
  // The kernel ignores signals that the first process of a container does not handle; the role does so once it has started.
  const leave = () => process.exit(143);
  const signals = ["SIGTERM", "SIGINT"];
  for (const signal of signals) process.on(signal, leave);
  await load(entry);
  for (const signal of signals) process.off(signal, leave);
}

function load(file) {
  return import(pathToFileURL(path.join(ROOT, file)).href);
}
