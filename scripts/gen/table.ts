/** A Markdown table; pipes in cells are escaped, `undefined` is a dash. */
export function toTable(
  head: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const line = (cells: readonly (string | undefined)[]): string =>
    `| ${cells.map((cell) => (cell ?? "–").replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Code in a Markdown text. */
export function code(text: string): string {
  return `\`${text}\``;
}
