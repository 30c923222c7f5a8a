import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { runNpm } from "./npm.mjs";
import { CACHE, NODE_MODULES, ROOT } from "./paths.mjs";
import { withLock } from "./lock.mjs";

const STAMP = path.join(NODE_MODULES, ".install-stamp");

/** Runs `npm ci` when node_modules is not what package-lock.json says. A few milliseconds when it is. */
export function ensureInstalled() {
  if (isStamped()) return;
  withLock(path.join(CACHE, "install.lock"), () => {
    if (isStamped()) return;
    if (!isWhatTheLockSays()) {
      console.error("Installing dependencies (npm ci), some minutes the first time ...");
      runNpm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    }
    fs.writeFileSync(STAMP, fingerprint());
  });
}

/** Runs `npm ci` whatever is there. */
export function installAgain() {
  fs.rmSync(NODE_MODULES, { recursive: true, force: true });
  ensureInstalled();
}

/** Once we run on a fetched Node, npx and the other npm scripts shall use it too. `npm ci` removes the link. */
export function linkNode() {
  if (!process.execPath.startsWith(CACHE)) return;
  const link = path.join(NODE_MODULES, ".bin", "node");
  if (fs.existsSync(link) || process.platform === "win32") return;
  fs.rmSync(link, { force: true });
  fs.symlinkSync(path.relative(path.dirname(link), process.execPath), link);
}

function isStamped() {
  return fs.existsSync(STAMP) && fs.readFileSync(STAMP, "utf8") === fingerprint();
}

function fingerprint() {
  const hash = createHash("sha256").update(fs.readFileSync(path.join(ROOT, "package-lock.json")));
  return hash.update(`${process.platform}-${process.arch}`).digest("hex");
}

/** npm notes what it installed in a lockfile of its own; it tells after an `npm install` by hand. */
function isWhatTheLockSays() {
  const installed = path.join(NODE_MODULES, ".package-lock.json");
  if (!fs.existsSync(installed)) return false;
  const wanted = readPackages(path.join(ROOT, "package-lock.json"));
  const present = readPackages(installed);
  return Object.entries(wanted).every(([key, { version, optional, link }]) => {
    if (!key.startsWith("node_modules/") || link === true) return true;
    const found = present[key];
    return found === undefined ? optional === true : found.version === version;
  });
}

function readPackages(file) {
  return JSON.parse(fs.readFileSync(file, "utf8")).packages;
}
