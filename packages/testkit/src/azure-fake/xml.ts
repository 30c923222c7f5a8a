const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Text for an element. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (char) => ENTITIES[char] ?? char);
}

/** What XML cannot hold, or would read back as something else. */
const UNWRITABLE = /[\u0000-\u001f\u007f\ufffe\uffff]/; // eslint-disable-line no-control-regex

/** The name of a blob as an element, encoded where XML could not hold it, as Azure does. */
export function nameElement(name: string): string {
  return UNWRITABLE.test(name)
    ? `<Name Encoded="true">${encodeURIComponent(name)}</Name>`
    : `<Name>${escapeXml(name)}</Name>`;
}
