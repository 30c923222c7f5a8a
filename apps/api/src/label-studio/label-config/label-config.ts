import { parseXml, walkElements, type XmlElement } from "./xml-tree.ts";

/** An object tag as a control tag sees it; the key order is the contract's. */
interface InputView {
  readonly type: string;
  readonly valueType: string | null;
  readonly value: string;
}

/** One control tag of `parsed_label_config`. */
export interface ControlView {
  readonly type: string;
  readonly to_name: readonly string[];
  readonly conditionals?: Readonly<Record<string, string>>;
  readonly dynamic_labels?: true;
  readonly inputs: readonly InputView[];
  readonly labels: readonly string[];
  readonly labels_attrs: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What a label config says, as far as the API uses it. */
export interface LabelConfig {
  /** Control tags by their names, in document order. */
  readonly controls: Readonly<Record<string, ControlView>>;
  /** Keys that task data must have, in document order; the first one is what `$undefined$` reads as. */
  readonly dataKeys: readonly string[];
  readonly isSuitableForBulk: boolean;
}

/** The config, or the contract's complaint about it. */
export type LabelConfigResult = { readonly config: LabelConfig } | { readonly problem: string };

const LABEL_TAGS = new Set(["Label", "Choice", "Relation"]);
const NOT_CONTROLS = new Set(["Filter"]);
/** Control tags that say something about a whole task; the others draw regions. */
const BULK_CONTROLS = new Set(["Choices", "DateTime", "Number", "Rating", "Taxonomy", "TextArea"]);
/** Attributes that tie a control to a region, by what they name. */
const CONDITIONS = [
  ["whenTagName", "tag"],
  ["whenLabelValue", "label"],
  ["whenChoiceValue", "choice"],
] as const;

/** Reads a label config. Names must be unique and every `toName` must exist. */
export function parseLabelConfig(text: string): LabelConfigResult {
  const xml = parseXml(text);
  if ("problem" in xml) return xml;
  const elements = [...walkElements(xml.root)];
  const problem = findNameProblem(elements);
  if (problem !== undefined) return { problem };
  const controls = readControls(elements);
  const isSuitableForBulk = elements.every(
    (element) => !isControl(element) || isBulkControl(element),
  );
  return { config: { controls, dataKeys: listDataKeys(elements.slice(1)), isSuitableForBulk } };
}

/** Like `parseLabelConfig` for a config that was checked when it was saved; an unreadable one has nothing in it. */
export function readSavedConfig(text: string): LabelConfig {
  const result = parseLabelConfig(text);
  return "config" in result
    ? result.config
    : { controls: {}, dataKeys: [], isSuitableForBulk: true };
}

/** Every control counts the same until somebody says otherwise. */
export function toControlWeights(controls: LabelConfig["controls"]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(controls).map(([name, { type, labels }]) => [
      name,
      { overall: 1, type, labels: Object.fromEntries(labels.map((label) => [label, 1])) },
    ]),
  );
}

function findNameProblem(elements: readonly XmlElement[]): string | undefined {
  const names = elements.flatMap(({ attributes }) => attributes["name"] ?? []);
  const known = new Set(names);
  if (known.size !== names.length) return "Label config contains non-unique names";
  const missing = elements
    .flatMap(({ attributes }) => attributes["toName"]?.split(",") ?? [])
    .find((name) => !known.has(name));
  if (missing === undefined) return undefined;
  const list = [...known].sort().map((name) => `'${name}'`);
  return `toName="${missing}" not found in names: [${list.join(", ")}]`;
}

function isControl({ tag, attributes }: XmlElement): boolean {
  return Boolean(attributes["name"]) && Boolean(attributes["toName"]) && !NOT_CONTROLS.has(tag);
}

function isBulkControl({ tag, attributes }: XmlElement): boolean {
  return (
    BULK_CONTROLS.has(tag) && attributes["perRegion"] !== "true" && attributes["perItem"] !== "true"
  );
}

function readControls(elements: readonly XmlElement[]): Record<string, ControlView> {
  const inputs = new Map(elements.flatMap((element) => readInput(element) ?? []));
  const controls = elements.filter(isControl);
  return Object.fromEntries(
    controls.map((control) => [
      control.attributes["name"] ?? "",
      readControl(control, elements, inputs),
    ]),
  );
}

function readInput(element: XmlElement): [[string, InputView]] | undefined {
  const { name, value, valueType } = element.attributes;
  if (isControl(element) || !name || !value) return undefined;
  return [
    [name, { type: element.tag, valueType: valueType ?? null, value: value.replace(/^\$+/, "") }],
  ];
}

function readControl(
  control: XmlElement,
  elements: readonly XmlElement[],
  inputs: ReadonlyMap<string, InputView>,
): ControlView {
  const toName = (control.attributes["toName"] ?? "").split(",");
  const labels = Object.fromEntries(
    elements.flatMap((element) => readLabel(element, control) ?? []),
  );
  const conditionals = readConditionals(control);
  return {
    type: control.tag,
    to_name: toName,
    ...(conditionals === undefined ? {} : { conditionals }),
    ...(control.attributes["value"]?.startsWith("$") === true
      ? { dynamic_labels: true as const }
      : {}),
    inputs: toName.flatMap((name) => inputs.get(name) ?? []),
    labels: Object.keys(labels),
    labels_attrs: labels,
  };
}

/** A label belongs to the nearest control above it and is called by its alias, else by its value. */
function readLabel(
  element: XmlElement,
  control: XmlElement,
): [[string, Record<string, string>]] | undefined {
  if (!LABEL_TAGS.has(element.tag) || nearestControl(element) !== control) return undefined;
  const { alias, value } = element.attributes;
  const label = alias || value;
  return label ? [[label, { ...element.attributes }]] : undefined;
}

function nearestControl(element: XmlElement): XmlElement | undefined {
  for (let parent = element.parent; parent !== undefined; parent = parent.parent) {
    if (isControl(parent)) return parent;
  }
  return undefined;
}

function readConditionals({ attributes }: XmlElement): Record<string, string> | undefined {
  if (attributes["perRegion"] !== "true") return undefined;
  const found = CONDITIONS.find(([attribute]) => Boolean(attributes[attribute]));
  if (found === undefined) return undefined;
  return { type: found[1], name: attributes[found[0]] ?? "" };
}

/** `value="$image"` needs the key `image`, and so does a text with `$image` in it (ls-api §7.2). */
function listDataKeys(elements: readonly XmlElement[]): string[] {
  const keys = elements.flatMap(({ attributes }) => {
    const { name, value } = attributes;
    if (!name || !value) return [];
    const key = value.startsWith("$") ? value.slice(1) : /\$(\w+)/.exec(value)?.[1];
    return key ? [key.replace(/\[.*$/, "")] : [];
  });
  return [...new Set(keys)];
}
