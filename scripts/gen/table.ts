/** A Markdown table; pipes in cells are escaped, line breaks become spaces, `undefined` is a dash. */
export function toTable(
  head: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const line = (cells: readonly (string | undefined)[]): string =>
    `| ${cells.map(toCell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function toCell(text: string | undefined): string {
  return (text ?? "–").replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
}

/** Code in a Markdown text. */
export function code(text: string): string {
  return `\`${text}\``;
}
