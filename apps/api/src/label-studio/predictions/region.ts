import { isFields, type RawFields } from "../fields.ts";
import { readSavedConfig, type ControlView } from "../label-config/label-config.ts";

/** Controls whose value is a list also where it is one word. */
const LIST_TYPES: ReadonlySet<string> = new Set(["Choices", "Labels", "Taxonomy", "TextArea"]);

/**
 * The regions of a prediction that is no list of them: a word or a number belongs to the project's first control tag, a value
 * like `{choices: ["cat"]}` to the first control of that type. Undefined when the label config has no such control.
 */
export function toRegions(
  value: string | number | RawFields,
  labelConfig: string,
): readonly unknown[] | undefined {
  const controls = Object.entries(readSavedConfig(labelConfig).controls);
  const isValue = isFields(value);
  const found = isValue
    ? controls.find(([, { type }]) => Object.hasOwn(value, type.toLowerCase()))
    : controls[0];
  if (found === undefined) return undefined;
  const [name, control] = found;
  const type = control.type.toLowerCase();
  return [
    {
      from_name: name,
      to_name: control.to_name.join(","),
      type,
      value: isValue ? value : { [type]: toValue(value, control) },
    },
  ];
}

function toValue(value: string | number, { type }: ControlView): unknown {
  return LIST_TYPES.has(type) ? [value] : value;
}
