/** How a child's JSON log line is shown: warnings and errors as "name: event text", the rest not at all. */
export function toShownLine(name: string, line: string): string | undefined {
  if (!line.startsWith("{")) return `${name}: ${line}`;
  const parsed = parseLine(line);
  if (parsed === undefined) return `${name}: ${line}`;
  const level =
    typeof parsed["level"] === "number" ? parsed["level"] : levelNumber(parsed["level"]);
  if (level < WARN) return undefined;
  const { msg, event, error, err } = parsed as Readonly<Record<string, unknown>>;
  const cause = (error ?? err) as { message?: unknown } | string | undefined;
  const reason = typeof cause === "string" ? cause : cause?.message;
  return [`${name}:`, text(event ?? msg), text(reason)].filter((part) => part !== "").join(" ");
}

const WARN = 40;

function levelNumber(level: unknown): number {
  return level === "warn" ? WARN : level === "error" || level === "fatal" ? WARN + 10 : 0;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    // A line that only looks like JSON is shown as it is.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
