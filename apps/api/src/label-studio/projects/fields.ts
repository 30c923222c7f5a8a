import type { ProjectFields } from "@bucketbridge/db";
import { FieldReader, type RawFields } from "../fields.ts";
import { parseLabelConfig } from "../label-config/label-config.ts";

/** How one setting of the contract is read, and what it is without. */
type SettingKind =
  | { readonly kind: "text"; readonly default: string; readonly maxLength?: number }
  | { readonly kind: "flag"; readonly default: boolean }
  | {
      readonly kind: "number";
      readonly default: number;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: "choice"; readonly default: string; readonly choices: readonly string[] }
  | { readonly kind: "moment"; readonly default: null };

const OFF = { kind: "flag", default: false } as const;
const ON = { kind: "flag", default: true } as const;
const MAX_INT = 2 ** 31 - 1;

/** Settings that are stored by their wire names and mean nothing to the engine. */
export const PROJECT_SETTINGS = {
  expert_instruction: { kind: "text", default: "" },
  show_instruction: OFF,
  show_skip_button: ON,
  enable_empty_annotation: ON,
  show_annotation_history: OFF,
  color: { kind: "text", default: "#FFFFFF", maxLength: 16 },
  is_published: OFF,
  model_version: { kind: "text", default: "" },
  is_draft: OFF,
  min_annotations_to_start_training: { kind: "number", default: 0, min: 0, max: MAX_INT },
  start_training_on_annotation_update: OFF,
  show_collab_predictions: ON,
  sampling: {
    kind: "choice",
    default: "Sequential sampling",
    choices: ["Sequential sampling", "Uniform sampling", "Uncertainty sampling"],
  },
  show_ground_truth_first: OFF,
  annotator_evaluation_enabled: OFF,
  show_overlap_first: OFF,
  overlap_cohort_percentage: { kind: "number", default: 100, min: 0, max: 100 },
  evaluate_predictions_automatically: OFF,
  skip_queue: {
    kind: "choice",
    default: "REQUEUE_FOR_OTHERS",
    choices: ["REQUEUE_FOR_ME", "REQUEUE_FOR_OTHERS", "IGNORE_SKIPPED"],
  },
  reveal_preannotations_interactively: OFF,
  pinned_at: { kind: "moment", default: null },
} as const satisfies Record<string, SettingKind>;

/** A form that leaves these out says false, as a check box does (ls-api §4.1). */
const FORM_FLAGS = [
  "show_skip_button",
  "enable_empty_annotation",
  "show_collab_predictions",
] as const;

/** A label config is a page of markup; this is far more. */
const MAX_CONFIG_CHARS = 1024 * 1024;

/** Reads the fields of a project, or throws the contract's complaints. */
export function readProjectFields(
  body: RawFields,
  options: { readonly isNewForm: boolean },
): ProjectFields {
  const fields = new FieldReader(body);
  const title = fields.text("title", { minLength: 3, maxLength: 50 }) ?? undefined;
  const description = fields.text("description");
  const labelConfig = fields.text("label_config", { maxLength: MAX_CONFIG_CHARS }) ?? undefined;
  const maximumAnnotations =
    fields.integer("maximum_annotations", { min: 0, max: MAX_INT }) ?? undefined;
  const dataKey = labelConfig === undefined ? undefined : readDataKey(fields, labelConfig);
  const settings = { ...readSettings(fields), ...readControlWeights(fields) };
  const formFlags = options.isNewForm ? FORM_FLAGS.filter((name) => !fields.has(name)) : [];
  fields.finish();
  return {
    title,
    description,
    labelConfig,
    maximumAnnotations,
    dataKey,
    settings: { ...settings, ...Object.fromEntries(formFlags.map((name) => [name, false])) },
  };
}

function readDataKey(fields: FieldReader, labelConfig: string): string | null {
  const result = parseLabelConfig(labelConfig);
  if ("config" in result) return result.config.dataKeys[0] ?? null;
  fields.fail("label_config", result.problem);
  return null;
}

function readSettings(fields: FieldReader): Record<string, unknown> {
  const given = Object.entries(PROJECT_SETTINGS).map(([name, kind]) => [
    name,
    readSetting(fields, name, kind),
  ]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Record<
    string,
    unknown
  >;
}

/** Texts and moments take null; for the others it means that the stored value stays. */
function readSetting(fields: FieldReader, name: string, kind: SettingKind): unknown {
  switch (kind.kind) {
    case "text":
      return fields.text(name, kind.maxLength === undefined ? {} : { maxLength: kind.maxLength });
    case "flag":
      return fields.boolean(name);
    case "number":
      return fields.integer(name, kind) ?? undefined;
    case "choice":
      return fields.choice(name, kind.choices) ?? undefined;
    case "moment":
      return readMoment(fields, name);
  }
}

function readMoment(fields: FieldReader, name: string): string | null | undefined {
  const text = fields.text(name);
  if (text === undefined || text === null || text === "")
    return text === undefined ? undefined : null;
  const moment = Date.parse(text);
  if (!Number.isNaN(moment)) return new Date(moment).toISOString();
  fields.fail(
    name,
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
  );
  return undefined;
}

function readControlWeights(fields: FieldReader): Record<string, unknown> {
  const weights = fields.json("control_weights");
  if (typeof weights !== "object" || weights === null || Array.isArray(weights)) return {};
  return { control_weights: weights };
}
