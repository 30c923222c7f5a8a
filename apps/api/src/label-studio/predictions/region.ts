import { readSavedConfig } from "../label-config/label-config.ts";

/** How values of a region are written, by the type of the control; the value's key is the type in lower case. */
const LIST_TYPES: ReadonlySet<string> = new Set(["Choices", "TextArea", "Labels", "Taxonomy"]);

/**
 * A prediction that is a bare word becomes a region of the project's first control tag; undefined when the label config has
 * no control with an object.
 */
export function toRegions(text: string, labelConfig: string): readonly unknown[] | undefined {
  const [first] = Object.entries(readSavedConfig(labelConfig).controls);
  if (first === undefined) return undefined;
  const [name, { type, to_name: toNames }] = first;
  const [toName] = toNames;
  if (toName === undefined) return undefined;
  const key = type.toLowerCase();
  const value = LIST_TYPES.has(type) ? [text] : text;
  return [{ from_name: name, to_name: toName, type: key, value: { [key]: value } }];
}
