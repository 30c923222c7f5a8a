const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];
const PARENT_POLL_MS = 500;

/**
 * Waits for a child and gives its exit code. Signals are passed on; when our own parent is gone (npm was killed) the
 * child is ended, so that nothing survives.
 */
export function followChild(child) {
  return new Promise((resolve) => {
    const parent = process.ppid;
    const handlers = FORWARDED.map((signal) => [signal, () => child.kill(signal)]);
    for (const [signal, handler] of handlers) process.on(signal, handler);
    const watch = setInterval(() => {
      if (process.ppid !== parent) child.kill("SIGTERM");
    }, PARENT_POLL_MS);
    const end = (code) => {
      clearInterval(watch);
      for (const [signal, handler] of handlers) process.off(signal, handler);
      resolve(code);
    };
    child.once("error", (error) => {
      console.error(error.message);
      end(1);
    });
    child.once("exit", (code, signal) => end(code ?? 128 + (SIGNALS[signal] ?? 1)));
  });
}
