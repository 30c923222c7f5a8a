export {
  createDatabase,
  withPgClient,
  type Database,
  type DatabaseOptions,
  type Transaction,
  type TransactionOptions,
} from "./client.ts";
export { KeyRing, type SecretFields, type SecretOwner } from "./secrets/key-ring.ts";
export { deployMigrations, type DeployOptions, type DeployResult } from "./migrate/deploy.ts";
export { readMigrationStatus, type MigrationStatus } from "./migrate/status.ts";
export {
  createTokenRepository,
  type NewRefreshToken,
  type NewServiceToken,
  type RefreshClaims,
  type RefreshState,
  type ServiceTokenRecord,
  type TokenHolder,
  type TokenRepository,
  type TokenScope,
} from "./repositories/tokens.ts";
export {
  createUserRepository,
  type Member,
  type NewUser,
  type OwnerAccount,
  type OwnerSeed,
  type TokenSettings,
  type UserRepository,
} from "./repositories/users.ts";
export {
  createProjectAccessRepository,
  type ProjectAccessRepository,
  type ProjectPart,
} from "./repositories/project-access.ts";
export {
  createMediaRepository,
  type MediaRepository,
  type MediaSource,
  type ProjectMedia,
  type TaskMedia,
} from "./repositories/media.ts";
export {
  createAuditEventRepository,
  type AuditEventFilter,
  type AuditEventRecord,
  type AuditEventRepository,
  type NewAuditEvent,
} from "./repositories/audit-events.ts";
export {
  createInvitationRepository,
  type InvitationRecord,
  type InvitationRepository,
  type NewInvitation,
} from "./repositories/invitations.ts";
export {
  createMemberRepository,
  type MemberChange,
  type MemberOutcome,
  type MemberQuery,
  type MemberRepository,
} from "./repositories/members.ts";
export {
  createSessionRepository,
  type SessionHolder,
  type SessionLife,
  type SessionRepository,
  type SignInFacts,
} from "./repositories/sessions.ts";
export {
  createOrganizationRepository,
  type OrganizationFacts,
  type OrganizationRecord,
  type OrganizationRepository,
  type OrganizationSettings,
} from "./repositories/organizations.ts";
export {
  createProjectRepository,
  PROJECT_ORDERS,
  type ProjectCreator,
  type ProjectFields,
  type ProjectQuery,
  type ProjectRecord,
  type ProjectRepository,
} from "./repositories/projects.ts";
export {
  createIssueRepository,
  type IssueFilter,
  type IssueRecord,
  type IssueRepository,
} from "./repositories/issues.ts";
export {
  createRunRepository,
  type DryRunFindingRecord,
  type RunFilter,
  type RunRecord,
  type RunRepository,
  type StatusRuns,
} from "./repositories/runs.ts";
export {
  createStorageRepository,
  type NewStorage,
  type StorageFields,
  type StorageFilter,
  type StorageOutage,
  type StorageRecord,
  type StorageRepository,
  type StorageUpdate,
  type StorageUpdated,
  type UpdateEffect,
} from "./repositories/storages.ts";
export { createImportStores, type ImportStores } from "./import/import-stores.ts";
export { InnerIds } from "./import/inner-ids.ts";
export { promoteStorage, sweep, type SweepFinding } from "./import/sweep.ts";
export {
  countWork,
  describeRun,
  describeTarget,
  drawTurn,
  type RunCardRecord,
  type TargetCardRecord,
  type WorkCountsRecord,
} from "./import/worker-queries.ts";
export {
  cancelRun,
  requestRun,
  type CancelOutcome,
  type RequestedRun,
  type RunRequest,
} from "./runs/request.ts";
export {
  createAnnotationRepository,
  type AnnotationRecord,
  type AnnotationRepository,
  type PredictionRecord,
  type TaskWork,
} from "./repositories/annotations.ts";
export {
  TASK_COLUMNS,
  type TaskColumn,
  type TaskCondition,
  type TaskField,
  type TaskFilter,
  type TaskOrder,
  type TaskValue,
} from "./repositories/task-filter.ts";
export {
  createTaskRepository,
  type TaskChanges,
  type TaskQuery,
  type TaskRecord,
  type TaskRepository,
  type TaskTotals,
} from "./repositories/tasks.ts";
export { purgeDeleted, type PurgeOptions, type PurgeResult } from "./maintenance/purge.ts";
export {
  createRetention,
  type RetentionBounds,
  type RetentionKind,
  type RetentionPolicy,
  type RetentionResult,
} from "./maintenance/retention.ts";
export { createTasks, type TasksToCreate } from "./tasks/create-tasks.ts";
export { deleteTasks, type DeletedTasks, type TasksToDelete } from "./tasks/delete-tasks.ts";
export type {
  EmbeddedAnnotationRecord,
  EmbeddedPredictionRecord,
  TaskDocument,
} from "./import/records.ts";
export type { ProjectCounts } from "./repositories/project-counts.ts";
export {
  createExportStores,
  type ExportStoreOptions,
  type ExportStores,
} from "./export/export-stores.ts";
export { sweepTargets, type TargetFinding } from "./export/sweep-targets.ts";
export {
  saveAnnotation,
  type AnnotationChanges,
  type AnnotationSave,
  type AnnotationSaved,
} from "./annotations/save-annotation.ts";
export {
  deleteAnnotations,
  type AnnotationsDeleted,
  type AnnotationsToDelete,
} from "./annotations/delete-annotations.ts";
export {
  createPredictionRepository,
  type PredictionChanges,
  type PredictionFilter,
  type PredictionRepository,
} from "./annotations/predictions.ts";
export {
  createDraftRepository,
  type DraftChanges,
  type DraftPlace,
  type DraftRecord,
  type DraftRepository,
} from "./annotations/drafts.ts";
export { requestExportRun, type ExportRunRequest } from "./runs/request-export.ts";
export {
  createDeliveryRepository,
  type DeliveryCounts,
  type DeliveryFilter,
  type DeliveryRecord,
  type DeliveryRepository,
  type DeliveryStatus,
} from "./repositories/deliveries.ts";
export {
  deleteAnnotationsOfTasks,
  deleteGroundTruths,
  deletePredictionsOfTasks,
  predictionsToAnnotations,
  removeDuplicates,
  type BulkResult,
  type TaskSelection,
} from "./annotations/bulk.ts";
export {
  applyDeletedEvent,
  applySavedEvent,
  isEventConflict,
  type AnnotationDeletedEvent,
  type AnnotationSavedEvent,
  type EventOutcome,
  type EventTask,
} from "./events/annotation-events.ts";
export {
  createEventAccessRepository,
  type EventAccessRepository,
  type EventKeyRecord,
  type EventReceipt,
  type WebhookHeader,
} from "./events/event-access.ts";
export {
  createReconcileStore,
  type ReconcileCounts,
  type ReconcileEntry,
  type ReconcileFilter,
  type ReconcileFindings,
  type ReconcileKind,
  type ReconcileRun,
  type ReconcileStore,
} from "./export/reconcile-store.ts";
export {
  importPredictions,
  type NewPrediction,
  type PredictionsImported,
  type PredictionsToImport,
} from "./annotations/import-predictions.ts";
export {
  createUploadRepository,
  type NewUpload,
  type UploadRecord,
  type UploadRepository,
} from "./files/uploads.ts";
export {
  createSnapshotRepository,
  createSnapshotWork,
  type NewSnapshot,
  type SnapshotClaim,
  type SnapshotFinding,
  type SnapshotOptions,
  type SnapshotRecord,
  type SnapshotRef,
  type SnapshotRepository,
  type SnapshotResult,
  type SnapshotWork,
} from "./files/export-snapshots.ts";
export { createProjectFiles, type ProjectFiles } from "./files/project-files.ts";
