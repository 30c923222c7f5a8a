import { SaxesParser } from "saxes";

/** One element of a label config. */
export interface XmlElement {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly parent: XmlElement | undefined;
}

/** The tree, or what is wrong with the text in the words of the contract: `mismatched tag: line 1, column 6`. */
export type XmlResult = { readonly root: XmlElement } | { readonly problem: string };

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
}

/** What the parser complains about, and how the contract puts it; anything else is an invalid token. */
const PHRASES: readonly (readonly [string, string])[] = [
  ["unclosed tag", "no element found"],
  ["document must contain a root element", "no element found"],
  ["unexpected close tag", "mismatched tag"],
  ["unmatched closing tag", "mismatched tag"],
  ["may contain only one root", "junk after document element"],
  ["undefined entity", "undefined entity"],
];

/** Deeper than any layout of a page; bounds the recursion of those who walk the tree. */
const MAX_DEPTH = 100;

/** Parses well-formed XML. Entities beyond the five of XML itself are errors, so nothing is ever expanded or fetched. */
export function parseXml(text: string): XmlResult {
  const unclosed = findUnclosedToken(text);
  if (unclosed !== undefined) return { problem: `unclosed token: ${unclosed}` };
  const parser = new SaxesParser();
  const roots: XmlElement[] = [];
  let current: OpenElement | undefined;
  let depth = 0;
  let problem: string | undefined;
  parser.on("opentag", ({ name, attributes }) => {
    const element: OpenElement = { tag: name, attributes, children: [], parent: current };
    if (current === undefined) roots.push(element);
    else current.children.push(element);
    current = element;
    depth++;
    if (depth > MAX_DEPTH)
      problem ??= `nested too deeply: line ${String(parser.line)}, column ${String(parser.column)}`;
  });
  parser.on("closetag", () => {
    current = current?.parent as OpenElement | undefined;
    depth--;
  });
  parser.on("error", ({ message }) => {
    problem ??= `${phraseOf(message)}: line ${String(parser.line)}, column ${String(parser.column)}`;
  });
  parser.write(text).close();
  const [root] = roots;
  if (problem !== undefined || root === undefined)
    return { problem: problem ?? "no element found: line 1, column 0" };
  return { root };
}

/** Every element of the tree in document order, the root first. */
export function* walkElements(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* walkElements(child);
}

function phraseOf(message: string): string {
  return PHRASES.find(([part]) => message.includes(part))?.[1] ?? "not well-formed (invalid token)";
}

/** Place of a tag that the text ends in. */
function findUnclosedToken(text: string): string | undefined {
  const start = text.lastIndexOf("<");
  if (start === -1 || text.includes(">", start)) return undefined;
  const before = text.slice(0, start).split("\n");
  return `line ${String(before.length)}, column ${String((before.at(-1) ?? "").length)}`;
}
