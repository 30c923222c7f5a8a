import { isFinalState, pushLabel } from "@bucketbridge/contracts";
import { AppError, silentLogger } from "@bucketbridge/core";
import {
  createRunRepository,
  createStorageRepository,
  createTasks,
  InnerIds,
  requestExportRun,
  saveAnnotation,
} from "@bucketbridge/db";
import {
  createProducer,
  createQueueBackend,
  type Producer,
  type QueueBackend,
} from "@bucketbridge/queue";
import { waitFor } from "@bucketbridge/testkit";
import type { BenchDatabase } from "./bench-database.ts";
import type { S3Server } from "./s3-server.ts";

const BATCH = 1_000;
const TITLE = "bench";
const REST_TIMEOUT_MS = 30 * 60_000;
const POLL_MS = 50;

/** A rectangle as people draw it: the exported object has about 1.5 kB. */
const RESULT = {
  from_name: "label",
  to_name: "image",
  type: "rectanglelabels",
  original_width: 640,
  original_height: 480,
  image_rotation: 0,
  value: { x: 12.5, y: 20.25, width: 30, height: 40, rotation: 0, rectanglelabels: ["cat"] },
};

/** Annotations and targets of a benchmark's database, with what the API does around a save. */
export class AnnotationBench {
  readonly #bench: BenchDatabase;

  constructor(bench: BenchDatabase) {
    this.#bench = bench;
  }

  /** Gives the id of a further project. */
  async addProject(): Promise<number> {
    const { database, organizationId } = this.#bench;
    const data = { organizationId, title: "Bench" };
    const { id } = await database.inMaintenance((tx) => tx.project.create({ data }));
    return id;
  }

  /** Gives the id of a target of the project on that bucket, which is empty then. */
  async addTarget(projectId: number, s3: S3Server, bucket: string): Promise<number> {
    await s3.send({ kind: "empty", bucket });
    const { database, organizationId } = this.#bench;
    const { id } = await createStorageRepository(database).create(organizationId, {
      projectId,
      direction: "target",
      provider: "s3",
      title: TITLE,
      description: null,
      prefix: null,
      regexFilter: null,
      useBlobUrls: false,
      presign: false,
      presignTtl: 1,
      recursiveScan: false,
      synchronizable: true,
      canDeleteObjects: true,
      ...s3.source(bucket),
    });
    return id;
  }

  /** One annotation on each of `count` new tasks; their ids. No target wants them yet. */
  async addAnnotations(projectId: number, count: number): Promise<readonly number[]> {
    const { database, organizationId } = this.#bench;
    const deps = { database, innerIds: new InnerIds(database) };
    for (let made = 0; made < count; made += BATCH) {
      const documents = Array.from({ length: Math.min(BATCH, count - made) }, (_, index) => ({
        data: JSON.stringify({ image: `s3://pictures/img_${String(made + index)}.jpg` }),
        meta: null,
        allowSkip: true,
        predictions: [],
        annotations: [toEmbedded()],
      }));
      await createTasks(deps, { organizationId, projectId, documents, updatedById: null });
    }
    const rows = await database.inOrganization(organizationId, (tx) =>
      tx.annotation.findMany({
        where: { projectId },
        select: { id: true },
        orderBy: { id: "asc" },
      }),
    );
    return rows.map(({ id }) => Number(id));
  }

  /** Saves an annotation; gives the targets that want it. */
  async save(projectId: number, annotationId: number, note: string): Promise<readonly number[]> {
    const { database, organizationId } = this.#bench;
    const saved = await saveAnnotation(database, {
      organizationId,
      projectId,
      of: { annotationId },
      actorId: null,
      changes: { resultJson: toResult(note) },
    });
    if (saved === undefined) throw new AppError({ code: "internal", message: "nothing to save" });
    return saved.targetIds;
  }

  /** Gives the id of a new run of the target that wants everything. */
  async requestSync(targetId: number): Promise<number> {
    const { database, organizationId } = this.#bench;
    const request = { organizationId, targetId, kind: "sync", trigger: "bench", actorId: null };
    const asked = await requestExportRun(database, { ...request, kind: "sync" });
    if (asked === undefined) throw new AppError({ code: "internal", message: "no such target" });
    return asked.runId;
  }

  /** Waits for the end of a run. Rejects when it did not complete. */
  async waitForEnd(runId: number): Promise<void> {
    const { database, organizationId } = this.#bench;
    const runs = createRunRepository(database);
    const hasEnded = async (): Promise<boolean> =>
      isFinalState((await runs.find(organizationId, runId))?.state ?? "canceled");
    await waitFor(hasEnded, {
      timeoutMs: REST_TIMEOUT_MS,
      intervalMs: POLL_MS,
      what: "the run to end",
    });
    await this.assertCompleted(runId);
  }

  /** Rejects when the run did not complete. */
  async assertCompleted(runId: number): Promise<void> {
    const { database, organizationId } = this.#bench;
    const run = await createRunRepository(database).find(organizationId, runId);
    if (run?.state === "completed") return;
    const message = `the run ended as ${run?.state ?? "nothing"}: ${run?.errorMessage ?? ""}`;
    throw new AppError({ code: "internal", message });
  }

  /** Deliveries of the target that it does not hold in their newest revision, wished before `wantedBefore` (ISO 8601). */
  backlog(targetId: number, wantedBefore = "infinity"): Promise<number> {
    return this.#bench.count(
      `SELECT count(*) FROM delivery WHERE target_id = ${String(targetId)} AND wanted_at < '${wantedBefore}' AND state = 'pending'`,
    );
  }

  /** Waits until the target holds everything that was wished before `wantedBefore`. */
  async waitForBacklog(targetId: number, wantedBefore: string): Promise<void> {
    await untilNone(() => this.backlog(targetId, wantedBefore));
  }

  /** Waits until the target holds everything, and nothing that was put without an answer has to settle. */
  async waitForRest(targetId: number): Promise<void> {
    await untilNone(() =>
      this.#bench.count(
        `SELECT count(*) FROM delivery WHERE target_id = ${String(targetId)} AND (state = 'pending' OR due_at IS NOT NULL)`,
      ),
    );
  }
}

async function untilNone(count: () => Promise<number>): Promise<void> {
  await waitFor(async () => (await count()) === 0, {
    timeoutMs: REST_TIMEOUT_MS,
    intervalMs: POLL_MS,
    what: "the target to have everything",
  });
}

/** Rings as the API does: after the commit, and nobody waits. */
export class BenchBell {
  readonly #backend: QueueBackend;
  readonly #producer: Producer;
  readonly #organizationId: number;
  readonly #pending = new Set<Promise<unknown>>();

  constructor({ url, organizationId }: BenchDatabase, redisUrl: string | undefined) {
    this.#organizationId = organizationId;
    this.#backend = createQueueBackend({ redisUrl, databaseUrl: url, log: silentLogger });
    this.#producer = createProducer(this.#backend, silentLogger);
  }

  ringPush(targetIds: readonly number[]): void {
    const organizationId = this.#organizationId;
    const label = pushLabel({ provider: "s3", title: TITLE });
    for (const targetId of targetIds) {
      const payload = { v: 1 as const, organizationId, targetId, label };
      const ringing = this.#producer.ring("export.push", payload).finally(() => {
        this.#pending.delete(ringing);
      });
      this.#pending.add(ringing);
    }
  }

  async ringSync(targetId: number, runId: number): Promise<void> {
    const organizationId = this.#organizationId;
    const label = pushLabel({ provider: "s3", title: TITLE });
    await this.#producer.ring("export.sync", { v: 1, organizationId, targetId, runId, label });
  }

  async close(): Promise<void> {
    await Promise.all(this.#pending);
    await this.#producer.close();
    await this.#backend.close();
  }
}

function toResult(note: string): string {
  return JSON.stringify([{ ...RESULT, id: "r1", note }]);
}

function toEmbedded(): {
  readonly resultJson: string;
  readonly wasCancelled: boolean;
  readonly groundTruth: boolean;
  readonly leadTime: number;
  readonly completedBy: null;
  readonly importId: null;
} {
  return {
    resultJson: toResult(""),
    wasCancelled: false,
    groundTruth: false,
    leadTime: 1.5,
    completedBy: null,
    importId: null,
  };
}
