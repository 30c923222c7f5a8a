import fs from "node:fs";
import os from "node:os";

/** One line of the table. */
export interface Figure {
  readonly section: string;
  readonly what: string;
  /** The figure as people read it: "0.93" or "212 MB". */
  readonly figure: string;
  /** Absent where there is no goal and the figure stands beside another one. */
  readonly goal?: string;
  readonly isMet?: boolean;
  /** What the figure was made of. */
  readonly detail: string;
}

/** A ratio with a floor. */
export function atLeast(floor: number, value: number): Pick<Figure, "figure" | "goal" | "isMet"> {
  return { figure: value.toFixed(2), goal: `≥ ${String(floor)}`, isMet: value >= floor };
}

/** A ratio with a ceiling. */
export function atMost(ceiling: number, value: number): Pick<Figure, "figure" | "goal" | "isMet"> {
  return { figure: value.toFixed(2), goal: `≤ ${String(ceiling)}`, isMet: value <= ceiling };
}

/** The table as Markdown, so that it can go into a document as it is. */
export function toTable(figures: readonly Figure[]): string {
  const header = ["section", "figure", "goal", "measured", "", "made of"];
  const rows = figures.map(({ section, what, figure, goal, isMet, detail }) => [
    ...[section, what, goal ?? "–", figure],
    ...[isMet === undefined ? "" : isMet ? "met" : "MISSED", detail],
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(header), rule, ...rows.map(line)].join("\n");
}

/** How busy the machine is with everything, ourselves included. */
export function describeLoad(): string {
  const [one = 0, five = 0] = os.loadavg();
  const pressure = readCpuPressure();
  return [
    `${String(os.availableParallelism())} cores, load ${one.toFixed(1)} (1 min) ${five.toFixed(1)} (5 min)`,
    ...(pressure === undefined ? [] : [`waited for a core ${pressure} % of the last minute`]),
  ].join(", ");
}

/** Linux alone: the share of the last minute in which some process waited for a core. */
function readCpuPressure(): string | undefined {
  const file = "/proc/pressure/cpu";
  if (!fs.existsSync(file)) return undefined;
  return /^some .*avg60=([\d.]+)/.exec(fs.readFileSync(file, "utf8"))?.[1];
}
