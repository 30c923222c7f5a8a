// Entry of every npm script. Plain JavaScript that Node 20 understands: finds Node 24, installs what is missing, runs
// the task. package.json starts it with `exec`: a shell between npm and us would swallow signals.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { followChild } from "./launcher/follow.mjs";
import { ensureInstalled, installAgain, linkNode } from "./launcher/install.mjs";
import { ensureNode, isNewEnough } from "./launcher/node.mjs";
import { COMPILE_CACHE, ROOT } from "./launcher/paths.mjs";
import { findTask, listTasks } from "./launcher/tasks.mjs";

const [name = "", ...args] = process.argv.slice(2);
if (findTask(name) === undefined) {
  console.error(`unknown task ${name}\n\n${listTasks()}`);
  process.exit(2);
}
process.exitCode = isNewEnough() ? await runTask() : await runAgainOnNewerNode();

async function runAgainOnNewerNode() {
  const node = ensureNode();
  const script = fileURLToPath(import.meta.url);
  const search = path.dirname(node) + path.delimiter + (process.env.PATH ?? "");
  const env = { ...process.env, NODE: node, npm_node_execpath: node, PATH: search };
  return followChild(spawn(node, [script, name, ...args], { stdio: "inherit", env }));
}

async function runTask() {
  if (name === "install") installAgain();
  else ensureInstalled();
  linkNode();
  const { generateClient } = await import("./generate.mjs");
  generateClient();
  // Through require: Node 20 reads this file too and has no such export.
  createRequire(import.meta.url)("node:module").enableCompileCache?.(COMPILE_CACHE);
  process.env.NODE_COMPILE_CACHE ??= COMPILE_CACHE;
  const task = findTask(name);
  if (task.entry === undefined) return 0;
  const entry = path.join(ROOT, task.entry);
  if (task.inProcess === true) {
    process.argv = [process.execPath, entry, ...args];
    await import(pathToFileURL(entry).href);
    return process.exitCode;
  }
  const command = [entry, ...(task.args ?? []), ...args];
  return followChild(spawn(process.execPath, command, { cwd: ROOT, stdio: "inherit" }));
}
