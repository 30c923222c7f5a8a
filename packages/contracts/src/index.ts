export {
  defineJob,
  QUEUE_NAMES,
  type DedupeRule,
  type JobContract,
  type JobPolicy,
  type QueueName,
} from "./job.ts";
export { jobs, type JobName, type PayloadOf, type ResultOf } from "./jobs/catalog.ts";
export { exportLabel, exportPush, exportSync, pushLabel, snapshotLabel } from "./jobs/export.ts";
export { importLabel, importLoad, importRun } from "./jobs/import.ts";
export {
  isFinalState,
  RUN_KINDS,
  RUN_STATES,
  runKind,
  runState,
  type RunKind,
  type RunState,
} from "./run.ts";
export {
  annotationEvent,
  annotationEventBatch,
  annotationEventsAnswer,
  annotationEventResult,
  MAX_EVENTS,
  MAX_EXTERNAL_ID_CHARS,
  type EventAnnotation,
  type AnnotationEvent,
  type AnnotationEventResult,
} from "./v1/annotation-events.ts";
export {
  DELIVERY_COLUMNS,
  deliveryCounts,
  deliveryPage,
  deliveryState,
  deliverySubject,
  deliveryView,
  listDeliveriesQuery,
  toDeliveryCursor,
  type DeliveryView,
} from "./v1/deliveries.ts";
export { dryRunFinding, dryRunReport, type DryRunReport } from "./v1/dry-run.ts";
export {
  eventKeyList,
  eventKeyParams,
  eventKeyView,
  newEventKey,
  type EventKeyView,
} from "./v1/event-keys.ts";
export {
  listTokensQuery,
  newServiceToken,
  serviceTokenList,
  serviceTokenRequest,
  type ServiceTokenView,
} from "./v1/tokens.ts";
export { firstOwnerRequest, signUpRequest } from "./v1/accounts.ts";
export {
  AUDIT_EVENT_COLUMNS,
  auditEventPage,
  listAuditEventsQuery,
  type AuditEventView,
} from "./v1/audit-events.ts";
export { changePassword, sessionView, signInRequest, signOutQuery } from "./v1/session.ts";
export {
  acceptedInvitation,
  acceptInvitation,
  emailAddress,
  invitationList,
  invitationRequest,
  memberRole,
  newInvitation,
  type InvitationView,
} from "./v1/invitations.ts";
export {
  FINDING_COLUMNS,
  findingPage,
  listFindingsQuery,
  reconcileBody,
  toFindingCursor,
  type FindingView,
} from "./v1/findings.ts";
export {
  ISSUE_COLUMNS,
  issueFormat,
  issuePage,
  issueView,
  listIssuesQuery,
  type IssueView,
} from "./v1/issues.ts";
export {
  changeWebhookBody,
  labelStudioHook,
  newWebhookHeader,
  webhookAnswer,
  type LabelStudioHook,
} from "./v1/label-studio-webhook.ts";
export { idParams, MAX_ROW_ID } from "./v1/paging.ts";
export { platformView, type PlatformView } from "./v1/platform.ts";
export { runEvent, type RunEvent } from "./v1/run-events.ts";
export {
  listRunsQuery,
  runCounts,
  runPage,
  runView,
  startRunAnswer,
  startSyncBody,
  type RunCounts,
  type RunView,
} from "./v1/runs.ts";
export { setupParams, setupQuery, setupView, type SetupView } from "./v1/setup.ts";
export {
  changeTargetBody,
  targetView,
  type ChangeTargetBody,
  type TargetView,
} from "./v1/targets.ts";
export { toCreatedAgo } from "./label-studio/created-ago.ts";
export { toPythonTime, toWireTime } from "./label-studio/wire-time.ts";
