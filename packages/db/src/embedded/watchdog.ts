import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { childEnvironment, type Account } from "./account.ts";

/**
 * PostgreSQL runs under this shell, whose standard input is a pipe from us. When the pipe ends, by `stop()` or because
 * we were killed, the reader sends SIGINT (a fast shutdown); it does so too when the shell itself was killed.
 */
const WATCHDOG = `exec 3<&0
"$@" 3<&- </dev/null & p=$!
( read -r _ <&3; kill -INT $p 2>/dev/null ) & w=$!
wait $p; s=$?
kill $w 2>/dev/null
exit $s`;

/** The shell. Ending its standard input stops what it watches; its exit code is that of the program. */
export type WatchedProcess = ChildProcessByStdio<Writable, null, Readable>;

/** Starts a program that cannot outlive us. In a session of its own: Ctrl-C reaches only us, and we stop it. */
export function spawnWatched(
  account: Account | undefined,
  command: readonly string[],
): WatchedProcess {
  const child = spawn("/bin/sh", ["-c", WATCHDOG, "postgres-watchdog", ...command], {
    ...account,
    cwd: "/",
    detached: true,
    env: childEnvironment(),
    stdio: ["pipe", "ignore", "pipe"],
  });
  // EPIPE when the program ended by itself: its exit tells that already.
  child.stdin.on("error", () => undefined);
  return child;
}
