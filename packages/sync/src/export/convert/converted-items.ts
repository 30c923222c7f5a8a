import { isDict } from "./python-values.ts";

type Dict = Readonly<Record<string, unknown>>;

/** The control tags of a label config by their name. */
export type ControlTags = ReadonlyMap<string, ControlTag>;

/** One control tag. */
export interface ControlTag {
  /** The name of the element: `Choices`. */
  readonly type: string;
  /** Matches names of repeated tags (`label_{{idx}}`); absent: the exact name alone. */
  readonly pattern?: { test(name: string): boolean; readonly length: number } | undefined;
}

/** One row of a converted export: an annotation that was not skipped, or a task without any. */
export interface ConvertedItem {
  readonly id: unknown;
  readonly input: Dict;
  /** Values of the regions by the control that made them, each with its `type`. */
  readonly output: ReadonlyMap<string, readonly Dict[]>;
  readonly completedBy: unknown;
  readonly annotationId: unknown;
  readonly createdAt: unknown;
  readonly updatedAt: unknown;
  readonly leadTime: unknown;
  /** Absent: the task has none. */
  readonly agreement?: unknown;
  readonly history: unknown;
}

/** The rows of an exported task, in the order and with the content of label-studio-sdk 2.1 (`annotation_result_from_task`). */
export function* toConvertedItems(task: Dict, controls: ControlTags): Generator<ConvertedItem> {
  const all = Array.isArray(task["annotations"]) ? task["annotations"].filter(isDict) : [];
  if (all.length === 0) yield toItem(task, {}, new Map());
  const agreement = Object.hasOwn(task, "agreement") ? { agreement: task["agreement"] } : {};
  const annotations = all
    .filter((annotation) => annotation["skipped"] !== true && annotation["was_cancelled"] !== true)
    .toSorted((a, b) => compareText(b["created_at"], a["created_at"]));
  for (const annotation of annotations)
    yield { ...toItem(task, annotation, toOutput(annotation, controls)), ...agreement };
}

function toItem(task: Dict, annotation: Dict, output: ConvertedItem["output"]): ConvertedItem {
  return {
    id: task["id"],
    input: isDict(task["data"]) ? task["data"] : {},
    output,
    completedBy: Object.hasOwn(annotation, "completed_by") ? annotation["completed_by"] : {},
    annotationId: annotation["id"] ?? null,
    createdAt: annotation["created_at"] ?? null,
    updatedAt: annotation["updated_at"] ?? null,
    leadTime: annotation["lead_time"] ?? null,
    history: annotation["history"] ?? null,
  };
}

function toOutput(annotation: Dict, controls: ControlTags): Map<string, Dict[]> {
  const output = new Map<string, Dict[]>();
  const regions = Array.isArray(annotation["result"]) ? annotation["result"].filter(isDict) : [];
  for (const region of regions) {
    const name = region["from_name"];
    if (typeof name !== "string" || name === "") continue;
    const value = toValue(region, name, controls);
    if (value !== undefined) output.set(name, [...(output.get(name) ?? []), value]);
  }
  return output;
}

/** Undefined: a region of no control of the config. Without any control in the config all regions are kept. */
function toValue(region: Dict, name: string, controls: ControlTags): Dict | undefined {
  const control = findControl(name, controls);
  const value = isDict(region["value"]) ? region["value"] : {};
  if (control === undefined && region["type"] === "chatmessage")
    return { ...value, type: "chatmessage" };
  if (control === undefined && controls.size > 0) return undefined;
  const said = region["type"];
  const type = control?.type ?? (typeof said === "string" && said !== "" ? said : "unknown");
  return {
    ...value,
    type,
    ...pick(region, "original_width"),
    ...pick(region, "original_height"),
  };
}

function pick(region: Dict, name: string): Dict {
  return Object.hasOwn(region, name) ? { [name]: region[name] } : {};
}

/** The tag of that name, else the one with the longest pattern that begins like the name. */
function findControl(name: string, controls: ControlTags): ControlTag | undefined {
  const exact = controls.get(name);
  if (exact !== undefined) return exact;
  const matching = [...controls.values()].filter(({ pattern }) => pattern?.test(name) === true);
  return matching.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0];
}

function lengthOf({ pattern }: ControlTag): number {
  return pattern?.length ?? 0;
}

function compareText(a: unknown, b: unknown): number {
  const [left, right] = [a, b].map((value) => (typeof value === "string" ? value : ""));
  if (left === right) return 0;
  return (left ?? "") < (right ?? "") ? -1 : 1;
}

/** What a control holds, as people want to read it: the label or the text alone where there is one (`prettify_result`). */
export function toPretty(values: readonly Dict[]): unknown {
  const shown = values.map(({ type, ...value }) => {
    if (type === "Choices") return onlyOne(value, "choices") ?? value;
    if (type === "TextArea") return onlyOne(value, "text") ?? value;
    if (type === "Chat" || type === "chatmessage") return value["chatmessage"] ?? value;
    return value;
  });
  const last = values.at(-1)?.["type"];
  return (last === "Choices" || last === "TextArea") && shown.length === 1 ? shown[0] : shown;
}

function onlyOne(value: Dict, name: string): unknown {
  const list = value[name];
  if (typeof list === "string") return Array.from(list).length === 1 ? list : undefined;
  return Array.isArray(list) && list.length === 1 ? (list[0] as unknown) : undefined;
}
