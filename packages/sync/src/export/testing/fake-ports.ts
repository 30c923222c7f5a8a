import { IN_FLIGHT_BYTES, silentLogger, systemClock, type AppError } from "@bucketbridge/core";
import { ObjectStore, type StorageDriver } from "@bucketbridge/storage";
import { MemoryDriver } from "@bucketbridge/storage/memory";
import { ByteBudget } from "../../import/byte-budget.ts";
import { DEFAULT_EXPORT_OPTIONS, type ExportEngine, type ExportOptions } from "../engine.ts";
import type {
  BreakerStore,
  ClaimedDelivery,
  ClaimOptions,
  ComparedPage,
  Comparison,
  ComparisonStore,
  DeliveredRecord,
  DeliveryClaim,
  DeliveryStore,
  ExportRunSnapshot,
  ExportRunStore,
  PushFailure,
  SubjectRecord,
  TargetConnection,
  TargetConnections,
  TargetSnapshot,
} from "../ports.ts";

/** A target with defaults for what a test does not care about. */
export function aTarget(values: Partial<TargetSnapshot> = {}): TargetSnapshot {
  return {
    organizationId: 1,
    targetId: 9,
    projectId: 7,
    provider: "memory",
    settings: {},
    secrets: undefined,
    title: null,
    prefix: null,
    subject: "annotation",
    keyTemplate: null,
    jsonExtension: false,
    canDeleteObjects: true,
    settingsVersion: 1,
    locationVersion: 1,
    isRetired: false,
    ...values,
  };
}

/** A claimed delivery of annotation `subjectId`. */
export function aDelivery(
  subjectId: number,
  values: Partial<ClaimedDelivery> = {},
): ClaimedDelivery {
  return {
    subjectType: "annotation",
    subjectId,
    epoch: 1,
    attempts: 1,
    wantedRevision: 1,
    wantedOp: "put",
    objectKey: null,
    etag: null,
    deliveredRevision: null,
    storedBytes: 100,
    ...values,
  };
}

/** An annotation as it is now; `revision` is shown in its result. */
export function anAnnotation(id: number, revision = 1): SubjectRecord {
  const at = new Date("2026-01-01T00:00:00Z");
  const task = {
    id: 500 + id,
    externalId: null,
    exportRevision: 1,
    projectId: 7,
    innerId: id,
    dataJson: '{"image":"a.jpg"}',
    metaJson: null,
    sourceKey: null,
    dataKey: null,
    overlap: 1,
    isLabeled: true,
    allowSkip: true,
    totalAnnotations: 1,
    cancelledAnnotations: 0,
    totalPredictions: 0,
    updatedById: null,
    createdAt: at,
    updatedAt: at,
    uploadId: null,
    uploadName: null,
  };
  const annotation = {
    id,
    externalId: null,
    revision,
    taskId: task.id,
    projectId: 7,
    resultJson: `[{"revision":${String(revision)}}]`,
    predictionJson: null,
    completedBy: null,
    updatedById: null,
    lastCreatedById: null,
    wasCancelled: false,
    groundTruth: false,
    bulkCreated: false,
    uniqueId: null,
    lastAction: null,
    leadTime: null,
    importId: null,
    parentPredictionId: null,
    parentAnnotationId: null,
    createdAt: at,
    updatedAt: at,
    draftCreatedAt: null,
  };
  return { type: "annotation", annotation, task };
}

/** Hands out deliveries as often as they are due and keeps what becomes of them; `log` has every call in its order. */
export class FakeDeliveries implements DeliveryStore {
  readonly log: string[] = [];
  readonly records: DeliveredRecord[] = [];
  readonly failures: {
    readonly kind: string;
    readonly subjectId: number;
    readonly failure: PushFailure;
  }[] = [];
  readonly released: number[] = [];
  readonly subjects = new Map<number, SubjectRecord>();
  /** Ids whose lease is lost by the time that something is recorded. */
  readonly lost = new Set<number>();
  readonly counts: number[] = [];
  /** Whether the breaker is closed. */
  isClosed = (): boolean => true;
  /** Subject ids of each reading. */
  readonly reads: number[][] = [];
  target = aTarget();
  due: ClaimedDelivery[];

  constructor(due: readonly ClaimedDelivery[]) {
    this.due = [...due];
    for (const { subjectId } of due) this.subjects.set(subjectId, anAnnotation(subjectId));
  }

  claim(
    _target: unknown,
    _owner: string,
    count: number,
    { onlyWhenClosed = false }: ClaimOptions = {},
  ): Promise<DeliveryClaim> {
    const { target } = this;
    if (onlyWhenClosed && !this.isClosed())
      return Promise.resolve({ target, deliveries: [], isHeldBack: true });
    this.counts.push(count);
    const deliveries = this.due.splice(0, count);
    return Promise.resolve({ target, deliveries, isHeldBack: false });
  }

  renew(_target: unknown, held: readonly ClaimedDelivery[]): Promise<ReadonlySet<number>> {
    this.log.push(`renew ${ids(held)}`);
    return Promise.resolve(new Set(held.map(({ subjectId }) => subjectId)));
  }

  readSubjects(
    _target: unknown,
    claimed: readonly ClaimedDelivery[],
  ): Promise<ReadonlyMap<number, SubjectRecord>> {
    this.reads.push(claimed.map(({ subjectId }) => subjectId));
    return Promise.resolve(new Map(this.subjects));
  }

  intend(
    _target: unknown,
    intents: readonly { readonly delivery: ClaimedDelivery; readonly objectKey: string }[],
  ): Promise<ReadonlySet<number>> {
    for (const { objectKey } of intents) this.log.push(`intend ${objectKey}`);
    const held = intents.map(({ delivery }) => delivery.subjectId);
    return Promise.resolve(new Set(held.filter((id) => !this.lost.has(id))));
  }

  delivered(
    _target: unknown,
    records: readonly DeliveredRecord[],
  ): Promise<readonly ClaimedDelivery[]> {
    const isLost = ({ delivery }: DeliveredRecord): boolean => this.lost.has(delivery.subjectId);
    this.records.push(...records.filter((record) => !isLost(record)));
    return Promise.resolve(records.filter(isLost).map(({ delivery }) => delivery));
  }

  failed(_target: unknown, { subjectId }: ClaimedDelivery, failure: PushFailure): Promise<void> {
    this.failures.push({ kind: "failed", subjectId, failure });
    return Promise.resolve();
  }

  ambiguous(_target: unknown, { subjectId }: ClaimedDelivery, failure: PushFailure): Promise<void> {
    this.failures.push({ kind: "ambiguous", subjectId, failure });
    return Promise.resolve();
  }

  release(_target: unknown, deliveries: readonly ClaimedDelivery[]): Promise<void> {
    this.released.push(...deliveries.map(({ subjectId }) => subjectId));
    return Promise.resolve();
  }
}

/** Says `states` in turn, then the last one for ever; an outage opens it. */
export class FakeBreaker implements BreakerStore {
  readonly outages: PushFailure[] = [];
  successes = 0;
  state: "closed" | "probe" | "open" = "closed";

  admit(): ReturnType<BreakerStore["admit"]> {
    if (this.state === "open") return Promise.resolve({ state: "open", retryAfterSeconds: 4 });
    return Promise.resolve({ state: this.state });
  }

  onSuccess(): Promise<void> {
    this.successes++;
    this.state = "closed";
    return Promise.resolve();
  }

  onOutage(_target: TargetSnapshot, failure: PushFailure): Promise<void> {
    this.outages.push(failure);
    this.state = "open";
    return Promise.resolve();
  }
}

/** A sync whose cohort is settled once `isSettled` says so. */
export class FakeExportRuns implements ExportRunStore {
  run: ExportRunSnapshot = {
    organizationId: 1,
    targetId: 9,
    runId: 3,
    number: 1,
    kind: "sync",
    state: "queued",
    cancelRequested: false,
    markedUpTo: 0,
    onlyChanged: false,
  };
  /** Subjects of the project that are not marked yet. */
  unmarked = 0;
  nextRunId: number | null = null;
  isSettled = (): boolean => true;
  /** Called with each chunk that is marked. */
  onMark: (count: number) => void = () => undefined;
  readonly chunks: number[] = [];
  readonly ends: string[] = [];
  heartbeats = 0;

  find(): Promise<ExportRunSnapshot | undefined> {
    return Promise.resolve(this.run);
  }

  markChunk(
    run: ExportRunSnapshot,
    chunk: number,
  ): Promise<{ readonly marked: number; readonly done: boolean } | undefined> {
    if (run.markedUpTo !== this.run.markedUpTo) return Promise.resolve(undefined);
    const marked = Math.min(chunk, this.unmarked);
    this.unmarked -= marked;
    const done = marked < chunk;
    const markedUpTo = done ? null : (this.run.markedUpTo ?? 0) + marked;
    this.run = { ...this.run, markedUpTo };
    this.chunks.push(marked);
    this.onMark(marked);
    return Promise.resolve({ marked, done });
  }

  finish(): ReturnType<ExportRunStore["finish"]> {
    const isOver = this.run.state !== "queued" && this.run.state !== "running";
    const { cancelRequested, markedUpTo } = this.run;
    const mayEnd = cancelRequested || (markedUpTo === null && this.isSettled());
    if (isOver || !mayEnd) return Promise.resolve(undefined);
    const state = cancelRequested ? ("canceled" as const) : ("completed" as const);
    this.run = { ...this.run, state };
    this.ends.push(state);
    return Promise.resolve({ state, nextRunId: this.nextRunId });
  }

  fail(
    _run: unknown,
    { message }: { readonly message: string },
  ): Promise<{ readonly nextRunId: number | null }> {
    this.run = { ...this.run, state: "failed" };
    this.ends.push(`failed: ${message}`);
    return Promise.resolve({ nextRunId: this.nextRunId });
  }

  progress(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  heartbeat(): Promise<void> {
    this.heartbeats++;
    return Promise.resolve();
  }
}

/** A comparison whose pages are kept as they come; a page other than the next one is in other hands. */
export class FakeComparisons implements ComparisonStore {
  comparison: Comparison = {
    target: aTarget(),
    page: 0,
    cursor: null,
    isListed: false,
    since: "t0",
    siblings: [],
  };
  readonly pages: ComparedPage[] = [];
  readonly log: string[] = [];
  /** `target key` of what others name. */
  readonly named = new Set<string>();
  /** Differences that each page brings and that the run repairs. */
  repaired = 0;
  /** Chunks of deliveries behind the listing. */
  chunks = 1;
  onMissing: (after: number) => void = () => undefined;

  begin(): Promise<Comparison | undefined> {
    return Promise.resolve(this.comparison);
  }

  findNamed(
    _run: unknown,
    pairs: readonly { readonly targetId: number; readonly key: string }[],
  ): Promise<readonly boolean[]> {
    return Promise.resolve(
      pairs.map(({ targetId, key }) => this.named.has(`${String(targetId)} ${key}`)),
    );
  }

  addPage(
    _run: unknown,
    page: ComparedPage,
  ): Promise<{ readonly since: string; readonly repaired: number } | undefined> {
    if (page.page !== this.comparison.page) return Promise.resolve(undefined);
    this.pages.push(page);
    const next = page.page + 1;
    const isListed = page.cursor === null;
    this.comparison = { ...this.comparison, page: next, cursor: page.cursor, isListed };
    return Promise.resolve({ since: `t${String(next)}`, repaired: this.repaired });
  }

  addMissing(
    _run: unknown,
    after: number,
  ): Promise<{ readonly done: boolean; readonly repaired: number } | undefined> {
    this.log.push(`missing ${String(after)}`);
    this.chunks--;
    this.onMissing(after);
    return Promise.resolve({ done: this.chunks <= 0, repaired: 0 });
  }

  restart(): Promise<void> {
    this.log.push("restart");
    this.comparison = { ...this.comparison, page: 0, cursor: null };
    return Promise.resolve();
  }

  clearMarks(): Promise<void> {
    this.log.push("clear");
    return Promise.resolve();
  }
}

/** One driver for every target; `refusal`: it cannot be opened. */
class FakeConnections implements TargetConnections {
  readonly #driver: StorageDriver;
  open = 0;
  refusal: AppError | undefined;
  /** What settings name. */
  describe = (_provider: string, { at }: Readonly<Record<string, unknown>>): Promise<string> =>
    Promise.resolve(`memory://${typeof at === "string" ? at : "out"}`);

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  acquire(): Promise<TargetConnection> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    this.open++;
    return Promise.resolve({
      store: new ObjectStore(this.#driver, { provider: "memory", place: "memory://out" }),
      place: "memory://out",
      release: () => {
        this.open--;
      },
    });
  }
}

/** An engine on fakes, and everything that it was told. */
export interface EngineParts extends ExportEngine {
  readonly deliveries: FakeDeliveries;
  readonly breaker: FakeBreaker;
  readonly runs: FakeExportRuns;
  readonly comparisons: FakeComparisons;
  readonly connections: FakeConnections;
  readonly rings: string[];
}

/** An engine whose target is `driver` and whose due deliveries are `due`. */
export function anExportEngine({
  due = [],
  driver = new MemoryDriver(),
  options = {},
}: {
  readonly due?: readonly ClaimedDelivery[];
  readonly driver?: StorageDriver;
  readonly options?: Partial<ExportOptions>;
}): EngineParts {
  const rings: string[] = [];
  const deliveries = new FakeDeliveries(due);
  const breaker = new FakeBreaker();
  deliveries.isClosed = () => breaker.state === "closed";
  return {
    deliveries,
    breaker,
    runs: new FakeExportRuns(),
    comparisons: new FakeComparisons(),
    connections: new FakeConnections(driver),
    rings,
    bytes: new ByteBudget(IN_FLIGHT_BYTES),
    bell: {
      ringPush: ({ targetId }) => rings.push(`push ${String(targetId)}`),
      ringRun: ({ runId }) => rings.push(`run ${String(runId)}`),
    },
    clock: systemClock,
    log: silentLogger,
    owner: "worker",
    options: { ...DEFAULT_EXPORT_OPTIONS, ...options },
  };
}

function ids(deliveries: readonly ClaimedDelivery[]): string {
  return deliveries.map(({ subjectId }) => String(subjectId)).join(",");
}
