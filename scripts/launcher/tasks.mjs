/**
 * What `npm run <name>` does. `entry` runs with `args` and the caller's own; `inProcess` in this very process, so that
 * signals reach it without a process between. A task without `entry` is done by the launcher.
 */
const TASKS = {
  install: {
    about: "npm ci under the Node that everything else uses (node scripts/run.mjs install)",
  },
  start: {
    entry: "apps/standalone/src/main.ts",
    inProcess: true,
    about: "run everything on this machine",
  },
  test: {
    entry: "scripts/test.ts",
    args: ["all"],
    about: "unit, conformance and integration tests",
  },
  check: {
    entry: "scripts/check.ts",
    about: "everything that can be checked without running the code",
  },
  "test:conformance": {
    entry: "scripts/test.ts",
    args: ["conformance"],
    about: "storage drivers; `-- s3` for one",
  },
  "test:matrix": {
    entry: "scripts/matrix.ts",
    about: "every provider on every service; starts the real servers",
  },
  "test:int": {
    entry: "scripts/test.ts",
    args: ["int"],
    about: "integration tests on a real PostgreSQL",
  },
  "test:long": {
    entry: "scripts/test.ts",
    args: ["long"],
    about: "tables of faults, private hosts and storage types, minutes each",
  },
  "test:chaos": {
    entry: "scripts/test.ts",
    args: ["chaos"],
    about: "kill workers and look for lost work",
  },
  bench: { entry: "bench/main.ts", about: "measure against the bare reference" },
  "db:migrate": {
    entry: "scripts/db.ts",
    args: ["migrate"],
    about: "apply migrations to DATABASE_URL",
  },
  "db:status": {
    entry: "scripts/db.ts",
    args: ["status"],
    about: "which migrations DATABASE_URL has",
  },
  "db:new-migration": {
    entry: "scripts/new-migration.ts",
    about: "SQL for what changed in schema.prisma",
  },
  "db:inspect": { entry: "scripts/inspect-cluster.ts", about: "start what a failed test kept" },
  admin: {
    entry: "scripts/admin.ts",
    about: "accounts: create-owner, list-users, reset-password; files: migrate-persistence",
  },
  gen: { entry: "scripts/gen/main.ts", about: "write the generated documents" },
  "gen:check": {
    entry: "scripts/gen/main.ts",
    args: ["--check"],
    about: "are the generated documents fresh?",
  },
  format: {
    entry: "node_modules/prettier/bin/prettier.cjs",
    args: ["--write", "."],
    about: "format all files",
  },
};

/** The task of that name, or undefined. */
export function findTask(name) {
  return Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
}

/** One line per task. */
export function listTasks() {
  const runnable = Object.entries(TASKS).filter(([, { entry }]) => entry !== undefined);
  const lines = runnable.map(([name, { about }]) => `  npm run ${name.padEnd(18)} ${about}`);
  return `Tasks:\n${lines.join("\n")}`;
}
