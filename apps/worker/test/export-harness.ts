import { exportLabel, pushLabel } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import {
  createStorageRepository,
  createTasks,
  deleteAnnotations,
  InnerIds,
  requestExportRun,
  saveAnnotation,
  type StorageFields,
} from "@bucketbridge/db";
import { waitFor } from "@bucketbridge/testkit";
import type { Tenant, World } from "./harness.ts";

/** A target; `bucket` is one in memory unless `provider` says otherwise. */
export interface TargetSeed extends Partial<StorageFields> {
  readonly provider?: string;
  readonly bucket?: string;
}

/** An annotation after a save. */
export interface SavedAnnotation {
  readonly id: number;
  readonly revision: number;
}

/** A project of its own, with what the API does around annotations: saves and deletes, and rings after the commit. */
export class ExportProject {
  readonly world: World;
  readonly tenant: Tenant;

  private constructor(world: World, tenant: Tenant) {
    this.world = world;
    this.tenant = tenant;
  }

  static async create(world: World): Promise<ExportProject> {
    return new ExportProject(world, await world.addTenant("Export"));
  }

  async addTarget({
    provider = "memory",
    bucket = "out",
    ...fields
  }: TargetSeed = {}): Promise<number> {
    const storages = createStorageRepository(this.world.database);
    const { id } = await storages.create(this.tenant.organizationId, {
      projectId: this.tenant.projectId,
      direction: "target",
      provider,
      title: bucket,
      description: null,
      settings: { bucket },
      secrets: {},
      prefix: null,
      regexFilter: null,
      useBlobUrls: false,
      presign: false,
      presignTtl: 1,
      recursiveScan: false,
      synchronizable: true,
      canDeleteObjects: true,
      ...fields,
    });
    return id;
  }

  async addTasks(count: number): Promise<readonly number[]> {
    const { database } = this.world;
    const document = { data: '{"image":"a.jpg"}', meta: null, allowSkip: true };
    const documents = Array.from({ length: count }, () => ({
      ...document,
      annotations: [],
      predictions: [],
    }));
    const deps = { database, innerIds: new InnerIds(database) };
    const ids = await createTasks(deps, { ...this.tenant, documents, updatedById: null });
    return ids ?? [];
  }

  /** Makes an annotation of a task, or changes one; `isRung` false: the ring got lost. */
  async save(
    of: { readonly annotationId: number } | { readonly taskId: number },
    { isRung = true, note = "" }: { readonly isRung?: boolean; readonly note?: string } = {},
  ): Promise<SavedAnnotation> {
    const changes = { resultJson: JSON.stringify([{ note }]) };
    const save = { ...this.tenant, of, actorId: null, changes };
    const saved = await saveAnnotation(this.world.database, save);
    if (saved === undefined) throw new AppError({ code: "not_found", message: "nothing to save" });
    if (isRung) await this.ring(saved.targetIds);
    return { id: saved.annotation.id, revision: saved.revision };
  }

  /** One annotation on each of `count` new tasks. */
  async saveMany(count: number, isRung = true): Promise<readonly SavedAnnotation[]> {
    const saved: SavedAnnotation[] = [];
    for (const taskId of await this.addTasks(count)) {
      saved.push(await this.save({ taskId }, { isRung }));
    }
    return saved;
  }

  async remove(annotationId: number): Promise<void> {
    const of = { annotationIds: [annotationId] };
    const { targetIds } = await deleteAnnotations(this.world.database, { ...this.tenant, of });
    await this.ring(targetIds);
  }

  async ring(targetIds: readonly number[]): Promise<void> {
    const { organizationId } = this.tenant;
    const label = pushLabel({ provider: "memory", title: "out" });
    for (const targetId of targetIds) {
      await this.world.producer.ring("export.push", { v: 1, organizationId, targetId, label });
    }
  }

  /** Asks for a sync of all and rings for it. */
  async sync(
    targetId: number,
    kind: "sync" | "retry" | "reconcile" = "sync",
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<number> {
    const { organizationId } = this.tenant;
    const request = { organizationId, targetId, kind, trigger: "test", actorId: null, options };
    const asked = await requestExportRun(this.world.database, request);
    if (asked === undefined) throw new AppError({ code: "not_found", message: "no such target" });
    const label = exportLabel({ provider: "memory", title: "out", number: asked.number });
    const payload = { v: 1 as const, organizationId, targetId, runId: asked.runId, label };
    await this.world.producer.ring("export.sync", payload);
    return asked.runId;
  }

  /** Waits until no run of the target is waiting or under way. */
  async waitForRun(targetId: number, timeoutMs = 30_000): Promise<void> {
    await waitFor(
      async () => {
        const [row] = await this.world.query<{ open: number }>(
          `SELECT count(*)::int AS open FROM run WHERE storage_id = ${String(targetId)}
           AND state IN ('waiting', 'queued', 'running')`,
        );
        return row?.open === 0;
      },
      { timeoutMs, what: `the runs of target ${String(targetId)} to end` },
    );
  }

  /** Waits until a delivery failed, and gives what is kept of it. */
  waitForFailure(targetId: number): Promise<{ readonly code: string; readonly message: string }> {
    return waitFor(
      async () => {
        const [row] = await this.world.query<{ code: string; message: string }>(
          `SELECT last_error_code AS code, last_error AS message FROM delivery
           WHERE target_id = ${String(targetId)} AND last_error_code IS NOT NULL`,
        );
        return row;
      },
      { timeoutMs: 20_000, what: `a delivery of target ${String(targetId)} to fail` },
    );
  }

  /** Waits until nothing of the target is wanted or settles any more. */
  async waitForRest(targetId: number, timeoutMs = 20_000): Promise<void> {
    await waitFor(
      async () => {
        const [row] = await this.world.query<{ open: number }>(
          `SELECT count(*)::int AS open FROM delivery WHERE target_id = ${String(targetId)}
           AND (state = 'pending' OR due_at IS NOT NULL)`,
        );
        return row?.open === 0;
      },
      { timeoutMs, what: `target ${String(targetId)} to come to rest` },
    );
  }
}
