import type { Clock, Secret } from "@bucketbridge/core";
import {
  createAnnotationRepository,
  createAuditEventRepository,
  cancelRun,
  createDeliveryRepository,
  createInvitationRepository,
  createIssueRepository,
  createMediaRepository,
  createMemberRepository,
  createOrganizationRepository,
  createProjectAccessRepository,
  createProjectRepository,
  createReconcileStore,
  createRunRepository,
  createSnapshotRepository,
  createSessionRepository,
  createStorageRepository,
  createTaskRepository,
  createTokenRepository,
  createUploadRepository,
  createUserRepository,
  requestExportRun,
  requestRun,
  type AuditEventRepository,
  type CancelOutcome,
  type Database,
  type DeliveryRepository,
  type ExportRunRequest,
  type InvitationRepository,
  type IssueRepository,
  type MediaRepository,
  type MemberRepository,
  type OrganizationRepository,
  type AnnotationRepository,
  type ProjectAccessRepository,
  type ProjectRepository,
  type ReconcileStore,
  type TaskRepository,
  type RequestedRun,
  type RunRepository,
  type RunRequest,
  type SessionRepository,
  type SnapshotRepository,
  type StorageRepository,
  type TokenRepository,
  type UploadRepository,
  type UserRepository,
} from "@bucketbridge/db";
import type { Producer } from "@bucketbridge/queue";
import type {
  LocalFilesPolicy,
  PersistenceHandle,
  PlatformPrincipals,
  SetupSubject,
} from "@bucketbridge/storage/providers";
import type { FastifyBaseLogger } from "fastify";
import {
  createAnnotationRepositories,
  type AnnotationRepositories,
} from "./annotation-repositories.ts";
import type { StorageTypePolicy } from "./label-studio/storages/storage-types.ts";
import type { RunKey } from "./runs/run-watchers.ts";
import type { RateLimits } from "./plugins/rate-limit.ts";
import type { HealthSources } from "./plugins/health.ts";
import type { SharedStores } from "./stores/shared-stores.ts";
import type { Stores } from "./stores/stores.ts";

/** How objects are streamed through this process. */
export interface MediaSettings {
  /** Longest answer to a range request. */
  readonly proxyMaxRangeBytes: number;
  /** A store that sends nothing for this long has its reader's connection cut. */
  readonly proxyIdleMs: number;
  /** Streams of one organisation at a time; more wait. */
  readonly proxyConcurrency: number;
  /** A client that reads nothing for this long has its connection cut, so that its place is free again. */
  readonly clientIdleMs: number;
}

/** How large an uploaded file may be. */
export interface UploadSettings {
  readonly maxBytes: number;
  /** Of a file of tasks, which is held in memory. */
  readonly maxDataBytes: number;
}

/** Values of the configuration that the application uses, already checked. */
export interface ApiSettings {
  /** Version of this program. */
  readonly version: string;
  /** Prefix of resolve URLs and local-file references: "" or `https://host`, without a slash at the end. */
  readonly hostPrefix: string;
  /** Believe `X-Forwarded-*` of the proxy in front. */
  readonly trustProxy: boolean;
  readonly maxBodyBytes: number;
  /** Anybody may make an account with an organisation of its own. */
  readonly openSignUp: boolean;
  readonly rateLimits: RateLimits;
  /** Signs personal tokens with the first key and takes all of them. */
  readonly tokenKeys: readonly Secret[];
  /** Where local files may lie, and whether they are served. */
  readonly localFiles: LocalFilesPolicy;
  readonly storageTypes: StorageTypePolicy;
  /** How much the lists of the compatible wire give. */
  readonly lists: {
    /** Objects in a preview that does not say how many. */
    readonly previewFiles: number;
    /** Largest page of tasks. */
    readonly maxTaskPage: number;
  };
  /** The compatible sync waits this long for a final state (`SYNC_WAIT_MS`; tests without a worker wait less). */
  readonly syncWaitMs: number;
  /** A new target begins with a sync of all. */
  readonly syncOnTargetCreation: boolean;
  /** What objects of a new target are for that does not say so, and whether their keys end in `.json`. */
  readonly targetDefaults: {
    readonly subject: "annotation" | "task";
    readonly jsonExtension: boolean;
  };
  readonly media: MediaSettings;
  readonly uploads: UploadSettings;
}

/** Runs are asked for and canceled in transactions of the database. */
export interface RunRequests {
  /** Undefined: no such storage in the organisation. */
  request(request: RunRequest): Promise<RequestedRun | undefined>;
  /** The same for a target. */
  requestExport(request: ExportRunRequest): Promise<RequestedRun | undefined>;
  /** Undefined: no such run in the organisation. */
  cancel(run: RunKey): Promise<CancelOutcome | undefined>;
}

/** What the handlers know of the database. */
export interface Repositories extends AnnotationRepositories {
  readonly organizations: OrganizationRepository;
  readonly media: MediaRepository;
  readonly users: UserRepository;
  readonly members: MemberRepository;
  readonly invitations: InvitationRepository;
  readonly sessions: SessionRepository;
  readonly auditEvents: AuditEventRepository;
  readonly tokens: TokenRepository;
  readonly uploads: UploadRepository;
  readonly snapshots: SnapshotRepository;
  readonly projects: ProjectRepository;
  readonly projectMembers: ProjectAccessRepository;
  readonly tasks: TaskRepository;
  readonly annotations: AnnotationRepository;
  readonly storages: StorageRepository;
  readonly runs: RunRepository;
  readonly issues: IssueRepository;
  readonly deliveries: DeliveryRepository;
  /** What comparisons of targets with their buckets found. */
  readonly findings: Pick<ReconcileStore, "findRun" | "page">;
  readonly runRequests: RunRequests;
}

/** What people have to trust of this installation. */
export interface PlatformSource {
  /** Never rejects but for the signal. */
  findPrincipals(signal: AbortSignal): Promise<PlatformPrincipals>;
  readonly outgoingAddresses: readonly string[];
  /** What it shows to workload identity pools of Google. */
  readonly gcpSubject: SetupSubject;
}

/** Everything that the application is built from. Tests give real repositories on a database of their own. */
export interface ApiDeps extends Repositories {
  readonly settings: ApiSettings;
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  /** Wakes workers, after commit. */
  readonly bell: Pick<Producer, "ring">;
  readonly stores: Stores;
  readonly sharedStores: SharedStores;
  /** The installation's own files: uploads and export snapshots. */
  readonly files: PersistenceHandle;
  readonly platform: PlatformSource;
  readonly health: HealthSources;
}

/** All repositories over one database. */
export function createRepositories(database: Database): Repositories {
  return {
    ...createAnnotationRepositories(database),
    organizations: createOrganizationRepository(database),
    media: createMediaRepository(database),
    users: createUserRepository(database),
    members: createMemberRepository(database),
    invitations: createInvitationRepository(database),
    sessions: createSessionRepository(database),
    auditEvents: createAuditEventRepository(database),
    tokens: createTokenRepository(database),
    uploads: createUploadRepository(database),
    snapshots: createSnapshotRepository(database),
    projects: createProjectRepository(database),
    projectMembers: createProjectAccessRepository(database),
    tasks: createTaskRepository(database),
    annotations: createAnnotationRepository(database),
    storages: createStorageRepository(database),
    runs: createRunRepository(database),
    issues: createIssueRepository(database),
    deliveries: createDeliveryRepository(database),
    findings: createReconcileStore(database),
    runRequests: {
      request: (request) => requestRun(database, request),
      requestExport: (request) => requestExportRun(database, request),
      cancel: (run) => cancelRun(database, run),
    },
  };
}
