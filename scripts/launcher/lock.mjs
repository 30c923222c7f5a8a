import fs from "node:fs";
import path from "node:path";

const POLL_MS = 500;

/** Runs `work` while no other process does, so that `npm start` and `npm test` on a fresh clone install only once. */
export function withLock(file, work) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  while (!tryCreate(file)) {
    if (isAbandoned(file)) fs.rmSync(file, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  const release = () => fs.rmSync(file, { force: true });
  process.once("exit", release);
  try {
    work();
  } finally {
    process.off("exit", release);
    release();
  }
}

function tryCreate(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function isAbandoned(file) {
  try {
    process.kill(Number(fs.readFileSync(file, "utf8")), 0);
    return false;
  } catch (error) {
    // ENOENT: released meanwhile. EPERM: alive, of another account.
    return error.code === "ESRCH";
  }
}
