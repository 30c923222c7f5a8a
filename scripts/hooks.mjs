// npm's prepare hook: git hooks for people who work on a clone. Never fails an install.
import fs from "node:fs";
import path from "node:path";
import { NODE_MODULES, ROOT } from "./launcher/paths.mjs";

const isClone = fs.existsSync(path.join(ROOT, ".git"));
const hasHusky = fs.existsSync(path.join(NODE_MODULES, "husky"));
if (isClone && hasHusky && process.env.CI === undefined) {
  try {
    const { default: installHooks } = await import("husky");
    const problem = installHooks();
    if (problem !== "") console.error(`git hooks were not installed: ${problem}`);
  } catch (error) {
    console.error(`git hooks were not installed: ${error.message}`);
  }
}
