import { silentLogger, systemClock, type Clock } from "@bucketbridge/core";
import { ObjectStore, type StorageDriver } from "@bucketbridge/storage";
import { ByteBudget } from "../byte-budget.ts";
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions, type ImportEngine } from "../engine.ts";
import type {
  LoadStore,
  PageOutcome,
  RunFailure,
  RunRef,
  RunSnapshot,
  RunStore,
  ScanPage,
  ScanStore,
  SourceConnection,
  SourceSnapshot,
  UnitLease,
  ExportNames,
} from "../ports.ts";

/** A source with defaults for what a test does not care about. */
export function aSource(values: Partial<SourceSnapshot> = {}): SourceSnapshot {
  return {
    id: 1,
    organizationId: 1,
    projectId: 1,
    provider: "memory",
    settings: {},
    secrets: undefined,
    title: null,
    prefix: null,
    regexFilter: null,
    useBlobUrls: true,
    recursiveScan: true,
    settingsVersion: 1,
    locationVersion: 1,
    dataKey: "$undefined$",
    ...values,
  };
}

/** A leased unit from the start of a listing. */
export function aLease(values: Partial<UnitLease> = {}): UnitLease {
  return {
    organizationId: 1,
    runId: 7,
    number: 0,
    epoch: 1,
    kind: "range",
    cursor: null,
    lastKey: null,
    after: null,
    until: null,
    runKind: "sync",
    source: aSource(),
    ...values,
  };
}

/** A running run of `aSource`. */
export function aRun(values: Partial<RunSnapshot> = {}): RunSnapshot {
  return {
    organizationId: 1,
    runId: 7,
    kind: "sync",
    number: 1,
    state: "running",
    cancelRequested: false,
    settingsVersion: 1,
    source: aSource(),
    ...values,
  };
}

/** Keeps the pages that a scan commits; `answers` decides what each commit finds. */
export class FakeScans implements ScanStore {
  readonly pages: ScanPage[] = [];
  readonly released: UnitLease[] = [];
  restarts = 0;
  answers: (page: ScanPage) => PageOutcome | undefined = (page) => ({
    created: page.keys.length,
    known: 0,
    rearmed: 0,
    cancel: false,
  });

  get keys(): string[] {
    return this.pages.flatMap((page) => page.keys);
  }

  takeUnit(): Promise<UnitLease | undefined> {
    return Promise.resolve(undefined);
  }

  renewUnit(): Promise<{ readonly cancel: boolean } | undefined> {
    return Promise.resolve({ cancel: false });
  }

  releaseUnit(lease: UnitLease): Promise<void> {
    this.released.push(lease);
    return Promise.resolve();
  }

  insertFilesPage(_lease: UnitLease, page: ScanPage): Promise<PageOutcome | undefined> {
    return this.#commit(page);
  }

  insertTasksPage(_lease: UnitLease, page: ScanPage): Promise<PageOutcome | undefined> {
    return this.#commit(page);
  }

  recordDryRunPage(
    _lease: UnitLease,
    { page }: { readonly page: ScanPage },
  ): Promise<PageOutcome | undefined> {
    return this.#commit(page);
  }

  restartUnit(): Promise<void> {
    this.restarts++;
    return Promise.resolve();
  }

  #commit(page: ScanPage): Promise<PageOutcome | undefined> {
    const outcome = this.answers(page);
    if (outcome !== undefined) this.pages.push(page);
    return Promise.resolve(outcome);
  }
}

/** Keeps what runs were told. */
export class FakeRuns implements RunStore {
  readonly failures: RunFailure[] = [];
  run: RunSnapshot | undefined = aRun();
  nextRunId: number | null = null;

  find(): Promise<RunSnapshot | undefined> {
    return Promise.resolve(this.run);
  }

  finish(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  fail(_run: RunRef, failure: RunFailure): Promise<{ readonly nextRunId: number | null }> {
    this.failures.push(failure);
    return Promise.resolve({ nextRunId: this.nextRunId });
  }

  progress(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  heartbeat(): Promise<void> {
    return Promise.resolve();
  }

  countClaimable(): Promise<number> {
    return Promise.resolve(0);
  }
}

/** What a test engine is made of. */
export interface FakeEngineParts {
  readonly driver: StorageDriver;
  readonly scans?: ScanStore;
  readonly runs?: RunStore;
  readonly loads?: LoadStore;
  readonly exports?: ExportNames;
  readonly clock?: Clock;
  readonly options?: Partial<EngineOptions>;
}

/** An engine over one driver, with fakes for whatever is not given. `rings` gets what was rung. */
export function anEngine(parts: FakeEngineParts): ImportEngine & { readonly rings: string[] } {
  const rings: string[] = [];
  const store = new ObjectStore(parts.driver, { provider: "memory", place: "memory://test" });
  const connection: SourceConnection = {
    store,
    place: "memory://test",
    toReferences: (keys) => keys.map((key) => `memory://test/${key}`),
    filterName: (key) => key,
    release: () => undefined,
  };
  return {
    runs: parts.runs ?? new FakeRuns(),
    scans: parts.scans ?? new FakeScans(),
    loads: parts.loads ?? refuseLoads,
    connections: {
      acquire: () => Promise.resolve(connection),
      describe: () => Promise.resolve("memory://test"),
    },
    exports: parts.exports ?? noExports,
    bell: {
      ringRun: (run) => rings.push(`run ${String(run.runId)}`),
      ringLoad: (run, slot) => rings.push(`load ${String(run.runId)}/${String(slot)}`),
    },
    bytes: new ByteBudget(1024 * 1024 * 1024),
    clock: parts.clock ?? systemClock,
    log: silentLogger,
    owner: "test",
    options: { ...DEFAULT_ENGINE_OPTIONS, ...parts.options },
    rings,
  };
}

const noExports: ExportNames = {
  listTargets: () => Promise.resolve([]),
  noteOverlap: () => Promise.resolve(),
  findNamed: (_run, pairs) => Promise.resolve(pairs.map(() => false)),
};

const refuseLoads: LoadStore = {
  claim: () => Promise.resolve([]),
  renew: () => Promise.resolve(new Set()),
  release: () => Promise.resolve(),
  saveBatch: () => Promise.resolve(undefined),
  fail: () => Promise.resolve(false),
  forget: () => Promise.resolve(false),
};
