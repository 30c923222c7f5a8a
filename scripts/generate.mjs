// Generates the Prisma client when the schema or the CLI changed. Plain JavaScript: npm runs it as its postinstall hook
// under whatever Node there is.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { NODE_MODULES, ROOT } from "./launcher/paths.mjs";

const CLI = path.join(NODE_MODULES, "prisma");
const SCHEMA = path.join(ROOT, "prisma/schema.prisma");
const OUTPUT = path.join(ROOT, "packages/db/generated/prisma");
const STAMP = path.join(OUTPUT, ".stamp");

/** Makes packages/db/generated fresh; milliseconds when it is. Without the CLI (production install) it does nothing. */
export function generateClient() {
  const cli = path.join(CLI, "build/index.js");
  if (!fs.existsSync(cli) || !fs.existsSync(SCHEMA)) return;
  const hash = createHash("sha256").update(fs.readFileSync(SCHEMA));
  const wanted = hash.update(fs.readFileSync(path.join(CLI, "package.json"))).digest("hex");
  if (fs.existsSync(STAMP) && fs.readFileSync(STAMP, "utf8") === wanted) return;
  const env = {
    ...process.env,
    // Generating needs no engine, but asks for one and would download it. Any existing file satisfies it; one that
    // cannot be executed makes other commands fail instead of doing nothing.
    PRISMA_SCHEMA_ENGINE_BINARY: path.join(ROOT, "package.json"),
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
    CHECKPOINT_DISABLE: "1",
  };
  const stdio = ["ignore", "pipe", "pipe"];
  const result = spawnSync(process.execPath, [cli, "generate"], {
    cwd: ROOT,
    env,
    stdio,
    encoding: "utf8",
  });
  if (result.status !== 0) {
    console.error(`prisma generate failed\n${result.stdout}${result.stderr}`);
    process.exit(1);
  }
  fs.writeFileSync(STAMP, wanted);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generateClient();
