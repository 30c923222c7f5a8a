/** How often the parent is looked for. */
const POLL_MS = 500;

/** Calls `onGone` once when the parent process has ended, however it ended: nothing survives a killed `npm start`. */
export function watchParent(onGone: () => void, parentId: () => number = () => process.ppid): void {
  const parent = parentId();
  const timer = setInterval(() => {
    if (parentId() === parent) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
}
