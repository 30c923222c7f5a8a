import type { ProjectCounts, ProjectRecord } from "@bucketbridge/db";
import { readSavedConfig, toControlWeights } from "../label-config/label-config.ts";
import { toCreatorView } from "../users/view.ts";
import { toWireTime } from "@bucketbridge/contracts";
import { PROJECT_SETTINGS } from "./fields.ts";

/** A project with the keys and the order of the contract; without `counts` (just created) the counters are null. */
export function toProjectView(
  project: ProjectRecord,
  counts: ProjectCounts | undefined,
): Record<string, unknown> {
  const config = readSavedConfig(project.labelConfig);
  const setting = (name: keyof typeof PROJECT_SETTINGS): unknown =>
    project.settings[name] === undefined ? PROJECT_SETTINGS[name].default : project.settings[name];
  return {
    id: project.id,
    title: project.title,
    description: project.description ?? "",
    label_config: project.labelConfig,
    expert_instruction: setting("expert_instruction"),
    show_instruction: setting("show_instruction"),
    show_skip_button: setting("show_skip_button"),
    enable_empty_annotation: setting("enable_empty_annotation"),
    show_annotation_history: setting("show_annotation_history"),
    organization: project.organizationId,
    color: setting("color"),
    maximum_annotations: project.maximumAnnotations,
    is_published: setting("is_published"),
    model_version: setting("model_version"),
    is_draft: setting("is_draft"),
    created_by: project.createdBy === undefined ? null : toCreatorView(project.createdBy),
    created_at: toWireTime(project.createdAt),
    min_annotations_to_start_training: setting("min_annotations_to_start_training"),
    start_training_on_annotation_update: setting("start_training_on_annotation_update"),
    show_collab_predictions: setting("show_collab_predictions"),
    num_tasks_with_annotations: counts?.annotatedTasks ?? null,
    task_number: counts?.tasks ?? null,
    useful_annotation_number: counts?.usefulAnnotations ?? null,
    ground_truth_number: counts?.groundTruths ?? null,
    skipped_annotations_number: counts?.skippedAnnotations ?? null,
    total_annotations_number: counts?.annotations ?? null,
    total_predictions_number: counts?.predictions ?? null,
    sampling: setting("sampling"),
    show_ground_truth_first: setting("show_ground_truth_first"),
    annotator_evaluation_enabled: setting("annotator_evaluation_enabled"),
    show_overlap_first: setting("show_overlap_first"),
    overlap_cohort_percentage: setting("overlap_cohort_percentage"),
    // Credentials of media servers: taken by nobody here, so never stored and never shown.
    task_data_login: null,
    task_data_password: null,
    control_weights: project.settings["control_weights"] ?? toControlWeights(config.controls),
    parsed_label_config: config.controls,
    evaluate_predictions_automatically: setting("evaluate_predictions_automatically"),
    config_has_control_tags: Object.keys(config.controls).length > 0,
    skip_queue: setting("skip_queue"),
    reveal_preannotations_interactively: setting("reveal_preannotations_interactively"),
    pinned_at: setting("pinned_at"),
    finished_task_number: counts?.finishedTasks ?? null,
    queue_total: counts?.tasks ?? 0,
    queue_done: counts?.finishedTasks ?? 0,
    config_suitable_for_bulk_annotation: config.isSuitableForBulk,
    state: null,
  };
}
