export { DEFAULT_EXPORT_OPTIONS, type ExportEngine, type ExportOptions } from "./export/engine.ts";
export {
  checkKeyTemplate,
  checkTargetPrefix,
  expandTargetPrefix,
  KEY_TEMPLATE_NAMES,
  toObjectKey,
  toTargetFolder,
} from "./export/object-key.ts";
export type * from "./export/ports.ts";
export { pushTarget, type PushTurn, type PushTurnOptions } from "./export/push-target.ts";
export { renderSubject } from "./export/render.ts";
export { runExport, type ExportTurn } from "./export/run-export.ts";
export type { ControlTag, ControlTags } from "./export/convert/converted-items.ts";
export {
  CONVERTED_FORMATS,
  convertExport,
  readSnapshotTasks,
  type ConvertedFormat,
} from "./export/convert/convert-export.ts";
export {
  readPages,
  renderSnapshot,
  type AnnotationKind,
  type ExportedTask,
  type SnapshotCounts,
} from "./export/snapshot.ts";
export {
  toSnapshotFolder,
  writeSnapshot,
  type ClaimedSnapshot,
  type SnapshotClaims,
  type SnapshotEnd,
  type SnapshotEngine,
  type SnapshotFiles,
  type SnapshotSelection,
  type WrittenFile,
} from "./export/write-snapshot.ts";
export { ByteBudget } from "./import/byte-budget.ts";
export {
  DEFAULT_ENGINE_OPTIONS,
  type EngineOptions,
  type ImportEngine,
  type TurnOutcome,
} from "./import/engine.ts";
export type * from "./import/ports.ts";
export { toRunFailure } from "./import/run-failure.ts";
export { finishRun, runImport, runLoadSlot } from "./import/run-import.ts";
export { RateWindow, type RateSample, type RunRate } from "./import/run-rate.ts";
export { hasReference, replaceReferences } from "./media/references.ts";
export {
  ReferenceSources,
  type ReferenceSource,
  type ResolvedReference,
} from "./media/reference-sources.ts";
export { folderPrefix } from "./import/folder-prefix.ts";
export { compileUserPattern, type UserPattern } from "./import/user-pattern.ts";
