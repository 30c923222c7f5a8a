const UNITS = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** "0 minutes", "3 hours, 5 minutes": the two largest units next to each other, with no-break spaces inside. */
export function toCreatedAgo(createdAt: Date, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - createdAt.getTime()) / 1_000));
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first === -1) return count(0, "minute");
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const number = Math.floor(rest / size);
    if (number === 0) break;
    parts.push(count(number, unit));
    rest -= number * size;
  }
  return parts.join(", ");
}

function count(number: number, unit: string): string {
  return `${String(number)}\u00a0${unit}${number === 1 ? "" : "s"}`;
}
