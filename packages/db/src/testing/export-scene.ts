import { it, expect } from "vitest";
import { saveAnnotation, type AnnotationSaved } from "../annotations/save-annotation.ts";
import { deleteAnnotations } from "../annotations/delete-annotations.ts";
import { createExportStores, type ExportStores } from "../export/export-stores.ts";
import type { ExportRunRecord } from "../export/export-run-store.ts";
import type {
  ClaimedDeliveryRecord,
  DeliveryClaimRecord,
  DeliverySubjectName,
  TargetRecord,
} from "../export/records.ts";
import { createStorageRepository, type StorageRecord } from "../repositories/storages.ts";
import { requestExportRun, type ExportRunRequest } from "../runs/request-export.ts";
import { loadStatements, type Statements } from "../statements.ts";
import { cutStatements, type Cut } from "./cut-statements.ts";
import { brokenByData } from "./guard.ts";
import { defined, type TestSetup } from "./test-database.ts";
import { makeWorld, type World } from "./world.ts";

/** A delivery as a superuser sees it. */
export interface DeliveryState {
  readonly subject_type: string;
  readonly subject_id: number;
  readonly wanted: number;
  readonly op: string;
  readonly state: string;
  readonly is_due: boolean;
  readonly is_now: boolean;
  readonly settles: boolean;
  readonly delivered: number | null;
  readonly object_key: string | null;
  readonly attempts: number;
  readonly run_id: number | null;
}

/** What a scene may begin with. */
export interface SceneOptions {
  readonly subject?: DeliverySubjectName;
  readonly canDeleteObjects?: boolean;
  readonly settleSeconds?: number;
  readonly outageSeconds?: number;
}

/** A project with one task and one target, and the steps that tests of exports take in it. */
export class ExportScene {
  readonly test: TestSetup;
  readonly world: World;
  readonly stores: ExportStores;
  readonly statements: Statements;
  readonly taskId: number;
  readonly target: StorageRecord;
  readonly key: { readonly organizationId: number; readonly targetId: number };

  private constructor(
    test: TestSetup,
    world: World,
    parts: {
      readonly statements: Statements;
      readonly taskId: number;
      readonly target: StorageRecord;
      readonly options: SceneOptions;
    },
  ) {
    this.test = test;
    this.world = world;
    this.statements = parts.statements;
    this.taskId = parts.taskId;
    this.target = parts.target;
    this.key = { organizationId: world.organizationId, targetId: parts.target.id };
    this.stores = createExportStores(test.db, {
      statements: parts.statements,
      settleSeconds: parts.options.settleSeconds,
      outageSeconds: parts.options.outageSeconds,
    });
  }

  static async make(
    test: TestSetup,
    options: SceneOptions = {},
    statements: Statements = loadStatements(),
  ): Promise<ExportScene> {
    const world = await makeWorld(test.db);
    const taskId = await addTask(test, world);
    const target = await addTarget(test, world, options);
    return new ExportScene(test, world, { statements, taskId, target, options });
  }

  /** Saves: a new annotation, or the one given. */
  async save(annotationId?: number, taskId = this.taskId): Promise<AnnotationSaved> {
    const { organizationId, projectId, userId } = this.world;
    const of = annotationId === undefined ? { taskId } : { annotationId };
    const changes = { resultJson: "[]", completedById: userId };
    const save = { organizationId, projectId, of, actorId: userId, changes };
    return defined(await saveAnnotation(this.test.db, save, this.statements));
  }

  async remove(...annotationIds: number[]): Promise<readonly number[]> {
    const { organizationId, projectId } = this.world;
    const request = { organizationId, projectId, of: { annotationIds } };
    return (await deleteAnnotations(this.test.db, request, this.statements)).targetIds;
  }

  async claim(count = 10): Promise<DeliveryClaimRecord> {
    return defined(await this.stores.deliveries.claim(this.key, "worker", count));
  }

  /** Claims one delivery, which must be there. */
  async claimOne(): Promise<Claimed> {
    const { target, deliveries } = await this.claim(1);
    return { target, delivery: defined(deliveries[0]) };
  }

  /** Records a put; false: the lease was lost. */
  async deliver({ target, delivery }: Claimed, revision: number, key = "k"): Promise<boolean> {
    const record = { delivery, revision, objectKey: key, etag: "e" };
    return (await this.stores.deliveries.delivered(target, [record])).length === 0;
  }

  /** Claims what is due and puts what is newest, until nothing is due. */
  async pushAll(): Promise<number> {
    let pushed = 0;
    for (;;) {
      const claim = await this.claim();
      if (claim.deliveries.length === 0) return pushed;
      const { target, deliveries } = claim;
      const subjects = await this.stores.deliveries.readSubjects(target, deliveries);
      const records = deliveries.map((delivery) => {
        const subject = subjects.get(delivery.subjectId);
        const objectKey = `${target.prefix ?? ""}/${String(delivery.subjectId)}`;
        if (subject === undefined)
          return {
            delivery,
            revision: delivery.wantedRevision,
            objectKey: delivery.objectKey,
            etag: null,
          };
        const revision =
          subject.type === "task" ? subject.task.exportRevision : subject.annotation.revision;
        return { delivery, revision, objectKey, etag: "e" };
      });
      await this.stores.deliveries.delivered(target, records);
      pushed += records.length;
    }
  }

  /** Lets the leases of all claimed deliveries run out. */
  async expireLeases(): Promise<void> {
    await this.test.look(
      "UPDATE delivery SET due_at = now() - interval '1 hour' WHERE target_id = $1 AND lease_owner IS NOT NULL",
      [this.target.id],
    );
  }

  /** Brings the moment of settling about. */
  async reachSettle(): Promise<void> {
    await this.test.look(
      `UPDATE delivery SET due_at = CASE WHEN due_at = settle_at THEN now() - interval '1 s' ELSE due_at END,
         settle_at = now() - interval '1 s' WHERE target_id = $1 AND settle_at IS NOT NULL`,
      [this.target.id],
    );
  }

  deliveries(): Promise<DeliveryState[]> {
    return this.test.look<DeliveryState>(
      `SELECT subject_type, subject_id, wanted_revision AS wanted, wanted_op AS op, state, due_at IS NOT NULL AS is_due,
              coalesce(due_at <= now(), false) AS is_now, settle_at IS NOT NULL AS settles, delivered_revision AS delivered, object_key,
              attempts, run_id
       FROM delivery WHERE target_id = $1 ORDER BY subject_type, subject_id`,
      [this.target.id],
    );
  }

  /** The only delivery. */
  async delivery(): Promise<DeliveryState> {
    const [first, ...others] = await this.deliveries();
    expect(others).toEqual([]);
    return defined(first);
  }

  async ask(
    kind: ExportRunRequest["kind"] = "sync",
    onlyChanged = false,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<ExportRunRecord> {
    const { organizationId, targetId } = this.key;
    const asker = { trigger: "api", actorId: null };
    const request = { organizationId, targetId, kind, ...asker, onlyChanged, options };
    const asked = defined(await requestExportRun(this.test.db, request, this.statements));
    return this.run(asked.runId);
  }

  async run(runId: number): Promise<ExportRunRecord> {
    return defined(await this.stores.runs.find({ organizationId: this.key.organizationId, runId }));
  }

  /** Marks everything, chunk by chunk; how many were marked. */
  async markAll(run: ExportRunRecord, chunk = 100): Promise<number> {
    let marked = 0;
    for (;;) {
      const current = await this.run(run.runId);
      if (current.markedUpTo === null) return marked;
      const result = defined(await this.stores.runs.markChunk(current, chunk));
      marked += result.marked;
    }
  }

  /** Moves the target, or changes what else `fields` say. */
  async change(
    fields: { readonly prefix?: string; readonly subject?: DeliverySubjectName },
    effect: "move" | "restart" | "none",
  ): Promise<number | null> {
    const storages = createStorageRepository(this.test.db);
    const { organizationId } = this.key;
    const now = defined(
      await storages.find(organizationId, this.target.id, { direction: "target" }),
    );
    const update = { fields, secrets: undefined, settingsVersion: now.settingsVersion, effect };
    return defined(await storages.update(organizationId, this.target.id, update)).nextRunId;
  }
}

/** A delivery with the target that it was claimed for. */
export interface Claimed {
  readonly target: TargetRecord;
  readonly delivery: ClaimedDeliveryRecord;
}

/** A further task of the world. */
export async function addTask(test: TestSetup, world: World): Promise<number> {
  const { id } = await test.one<{ id: number }>(
    "INSERT INTO task (organization_id, project_id, inner_id, data) VALUES ($1, $2, 1, '{\"n\": 1}') RETURNING id",
    [world.organizationId, world.projectId],
  );
  return id;
}

/** A target of the world. */
export function addTarget(
  test: TestSetup,
  world: World,
  { subject = "annotation", canDeleteObjects = false }: SceneOptions = {},
): Promise<StorageRecord> {
  return createStorageRepository(test.db).create(world.organizationId, {
    projectId: world.projectId,
    direction: "target",
    provider: "s3",
    title: null,
    description: null,
    settings: {},
    secrets: {},
    prefix: "one",
    regexFilter: null,
    useBlobUrls: false,
    presign: true,
    presignTtl: 1,
    recursiveScan: false,
    synchronizable: true,
    subject,
    canDeleteObjects,
  });
}

/** As `makeGuard`, for exports: the rule holds as designed and breaks when its guard is cut out of the statement. */
export function makeExportGuard(test: TestSetup) {
  return (
    name: string,
    cuts: readonly Cut[],
    scenario: (scene: ExportScene) => Promise<boolean>,
    options: SceneOptions = {},
  ): void => {
    it(name, async () => {
      expect(await scenario(await ExportScene.make(test, options))).toBe(true);
    });
    it(`${name}: not without its guard`, async () => {
      const scene = await ExportScene.make(test, options, cutStatements(cuts));
      expect(await scenario(scene).catch(brokenByData)).toBe(false);
    });
  };
}
