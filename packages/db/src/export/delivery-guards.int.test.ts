import { describe } from "vitest";
import { saveAnnotation, writeAnnotation } from "../annotations/save-annotation.ts";
import { runStatement } from "../statements.ts";
import { makeExportGuard } from "../testing/export-scene.ts";
import { holdTransaction, untilBlocked } from "../testing/held-transaction.ts";
import { defined, useTestDatabase } from "../testing/test-database.ts";

const test = useTestDatabase("delivery_guards");
const guard = makeExportGuard(test);

const NO_ANSWER = { code: "timeout", message: "no answer", retryAfterSeconds: 0 } as const;
const DUE = /(state = 'pending', marked_only = false,\n\s+due_at = )CASE[^\n]*END/;

describe("a save", () => {
  guard(
    "is due again after a delivery",
    [{ statement: "annotation-save", from: DUE, to: "state = 'pending', due_at = d.due_at" }],
    async (scene) => {
      const { annotation } = await scene.save();
      await scene.deliver(await scene.claimOne(), 1);
      await scene.save(annotation.id);
      return (await scene.delivery()).is_now;
    },
  );

  guard(
    "while an older revision is being pushed stays due",
    [
      {
        statement: "deliveries-delivered",
        from: "due_at = CASE WHEN d.wanted_revision <= p.revision AND",
        to: "due_at = CASE WHEN",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      const claim = await scene.claimOne();
      await scene.save(annotation.id);
      await scene.deliver(claim, 1);
      return (await scene.delivery()).is_now;
    },
  );

  guard(
    "does not break into a lease",
    [
      {
        statement: "annotation-save",
        from: DUE,
        to: "state = 'pending', due_at = excluded.due_at",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      await scene.claimOne();
      await scene.save(annotation.id);
      return (await scene.claim()).deliveries.length === 0;
    },
  );

  guard(
    "does not wait for the moment of settling",
    [
      {
        statement: "annotation-save",
        from: "OR (d.lease_owner IS NULL AND d.due_at = d.settle_at)",
        to: "",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      const { delivery } = await scene.claimOne();
      await scene.stores.deliveries.ambiguous(scene.key, delivery, NO_ANSWER);
      await scene.deliver(await scene.claimOne(), 1);
      await scene.save(annotation.id);
      return (await scene.delivery()).is_now;
    },
  );

  guard(
    "raises the revision of a task, which a target per task has once and newest",
    [{ statement: "annotation-save", from: "export_revision = t.export_revision + 1,", to: "" }],
    async (scene) => {
      const { annotation } = await scene.save();
      const other = await scene.save();
      await scene.save(annotation.id);
      const three = await scene.delivery();
      await scene.deliver(await scene.claimOne(), 3);
      await scene.remove(annotation.id);
      const four = await scene.delivery();
      await scene.remove(other.annotation.id);
      const five = await scene.delivery();
      return (
        three.wanted === 3 &&
        three.subject_type === "task" &&
        four.op === "put" &&
        four.wanted === 4 &&
        five.op === "delete" &&
        five.wanted === 5
      );
    },
    { subject: "task", canDeleteObjects: true },
  );
});

describe("a target that is made while an annotation is being saved", () => {
  guard(
    "is seen by a save that waited for it",
    [{ statement: "project-hold", from: "FOR KEY SHARE", to: "" }],
    async (scene) => {
      const { organizationId, projectId } = scene.world;
      await test.look("UPDATE storage SET deleted_at = now() WHERE id = $1", [scene.target.id]);
      const held = await holdTransaction(test.db, organizationId, async (tx) => {
        await runStatement(tx, scene.statements["project-lock"], [projectId]);
        await tx.$executeRaw`UPDATE storage SET deleted_at = NULL WHERE id = ${scene.target.id}`;
      });
      const saving = scene.save();
      await untilBlocked(test, saving);
      await held.commit();
      const { targetIds } = await saving;
      return targetIds.length === 1;
    },
  );

  guard(
    "waits for a save that did not see it, so that its first sync does",
    [{ statement: "project-lock", from: "FOR UPDATE", to: "" }],
    async (scene) => {
      const { organizationId, projectId } = scene.world;
      await test.look("UPDATE storage SET deleted_at = now() WHERE id = $1", [scene.target.id]);
      const held = await holdTransaction(test.db, organizationId, async (tx) => {
        await runStatement(tx, scene.statements["project-hold"], [projectId]);
        const of = { taskId: scene.taskId };
        const save = { projectId, of, actorId: null, changes: { resultJson: "[]" } };
        return writeAnnotation(tx, scene.statements, save, null);
      });
      const making = test.db.inOrganization(organizationId, async (tx) => {
        await runStatement(tx, scene.statements["project-lock"], [projectId]);
        await tx.$executeRaw`UPDATE storage SET deleted_at = NULL WHERE id = ${scene.target.id}`;
      });
      const syncing = making.then(async () => scene.markAll(await scene.ask()));
      await untilBlocked(test, syncing);
      await held.commit();
      return (await syncing) === 1;
    },
  );
});

describe("a put without an answer", () => {
  guard(
    "is put at once and once more when the lost one cannot land any more",
    [
      {
        statement: "deliveries-delivered",
        from: "h.is_current THEN d.settle_at ELSE",
        to: "h.is_current THEN NULL ELSE",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      const { delivery } = await scene.claimOne();
      await scene.save(annotation.id);
      await scene.stores.deliveries.ambiguous(scene.key, delivery, NO_ANSWER);
      await scene.deliver(await scene.claimOne(), 2);
      await scene.reachSettle();
      const again = (await scene.claim()).deliveries[0];
      if (again === undefined) return false;
      const { target } = await scene.claim(0);
      await scene.deliver({ target, delivery: again }, 2);
      const { is_due, settles } = await scene.delivery();
      return !is_due && !settles;
    },
  );

  guard(
    "of a worker that died is put once more too",
    [
      {
        statement: "deliveries-claim",
        from: "WHEN d.lease_owner IS NOT NULL THEN",
        to: "WHEN false THEN",
      },
    ],
    async (scene) => {
      await scene.save();
      await scene.claimOne();
      await scene.expireLeases();
      await scene.deliver(await scene.claimOne(), 1);
      return (await scene.delivery()).is_due;
    },
  );
});

describe("a lease that was lost", () => {
  guard(
    "lets a late record change nothing",
    [
      {
        statement: "deliveries-delivered",
        from: "d.lease_epoch = p.epoch AND d.lease_owner IS NOT NULL",
        to: "true",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      const old = await scene.claimOne();
      await scene.expireLeases();
      await scene.save(annotation.id);
      const now = await scene.claimOne();
      const isLate = await scene.deliver(old, 1, "late");
      return !isLate && (await scene.deliver(now, 2));
    },
  );

  guard(
    "has no place written down for it",
    [{ statement: "deliveries-intend", from: "d.lease_epoch = g.epoch", to: "true" }],
    async (scene) => {
      await scene.save();
      const { target, delivery } = await scene.claimOne();
      await scene.expireLeases();
      await scene.claimOne();
      const intents = [{ delivery, objectKey: "late" }];
      return (await scene.stores.deliveries.intend(target, intents)).size === 0;
    },
  );

  guard(
    "is not renewed",
    [{ statement: "deliveries-renew", from: "d.lease_epoch = g.epoch AND", to: "" }],
    async (scene) => {
      await scene.save();
      const { delivery } = await scene.claimOne();
      await scene.expireLeases();
      await scene.claimOne();
      return (await scene.stores.deliveries.renew(scene.key, [delivery])).size === 0;
    },
  );
});

describe("a target that changes", () => {
  guard(
    "while it is pushed to stays due",
    [
      {
        statement: "deliveries-delivered",
        from: "s.settings_version = $2::int AS is_current",
        to: "true AS is_current",
      },
    ],
    async (scene) => {
      await scene.save();
      const claim = await scene.claimOne();
      await scene.change({ prefix: "two" }, "move");
      await scene.deliver(claim, 1);
      return (await scene.delivery()).is_due;
    },
  );

  guard(
    "is put nothing by old settings: what was claimed comes back at once",
    [
      {
        statement: "deliveries-intend",
        from: "s.settings_version = $2::int AND s.deleted_at IS NULL",
        to: "$2::int IS NOT NULL",
      },
    ],
    async (scene) => {
      await scene.save();
      const { target, delivery } = await scene.claimOne();
      await scene.change({ prefix: "two" }, "move");
      const held = await scene.stores.deliveries.intend(target, [{ delivery, objectKey: "old" }]);
      return held.size === 0 && (await scene.claimOne()).target.prefix === "two";
    },
  );
});

describe("a deletion", () => {
  guard(
    "leaves no delivery where objects may not be deleted",
    [
      {
        statement: "annotations-delete",
        from: "coalesce(g.can_delete_objects, false) OR",
        to: "true OR",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      const claim = await scene.claimOne();
      await scene.remove(annotation.id);
      const isLate = await scene.deliver(claim, 1);
      const { state, is_due } = await scene.delivery();
      return state === "ended" && !is_due && !isLate;
    },
  );

  guard(
    "counts an annotation as it is when its lock is got, not as it was",
    [{ statement: "annotation-save", from: "FOR NO KEY UPDATE OF a", to: "" }],
    async (scene) => {
      const { annotation } = await scene.save();
      const { organizationId, projectId } = scene.world;
      const skip = (statements = scene.statements) =>
        saveAnnotation(
          test.db,
          {
            organizationId,
            projectId,
            of: { annotationId: annotation.id },
            actorId: null,
            changes: { wasCancelled: true },
          },
          statements,
        );
      const held = await holdTransaction(test.db, organizationId, async (tx) => {
        await runStatement(tx, scene.statements["project-hold"], [projectId]);
        await tx.$executeRaw`UPDATE task SET total_annotations = 0, cancelled_annotations = 1 WHERE id = ${scene.taskId}`;
        await tx.$executeRaw`UPDATE annotation SET was_cancelled = true WHERE id = ${annotation.id}`;
      });
      const running = skip();
      await untilBlocked(test, running);
      await held.commit();
      defined(await running);
      const counts = await test.one<{ total: number; cancelled: number }>(
        "SELECT total_annotations AS total, cancelled_annotations AS cancelled FROM task WHERE id = $1",
        [scene.taskId],
      );
      return counts.total === 0 && counts.cancelled === 1;
    },
  );
});

describe("marking", () => {
  guard(
    "with an old snapshot does not revive a delete",
    [
      {
        statement: "mark-chunk",
        from: "SET wanted_revision = greatest(d.wanted_revision, excluded.wanted_revision)",
        to: "SET wanted_revision = excluded.wanted_revision",
      },
      {
        statement: "mark-chunk",
        from: "CASE WHEN excluded.wanted_revision > d.wanted_revision THEN excluded.wanted_op ELSE d.wanted_op END",
        to: "excluded.wanted_op",
      },
    ],
    async (scene) => {
      const { annotation } = await scene.save();
      const run = await scene.ask();
      const { organizationId, projectId } = scene.world;
      const held = await holdTransaction(test.db, organizationId, async (tx) => {
        await runStatement(tx, scene.statements["project-hold"], [projectId]);
        await runStatement(tx, scene.statements["annotations-delete"], [[annotation.id], null]);
      });
      const marking = scene.markAll(run);
      await untilBlocked(test, marking);
      await held.commit();
      await marking;
      const { op, wanted } = await scene.delivery();
      return op === "delete" && wanted === 2;
    },
    { canDeleteObjects: true },
  );

  guard(
    "marks each chunk once, however many workers mark",
    [{ statement: "mark-chunk", from: "AND r.marked_up_to = $2::bigint", to: "" }],
    async (scene) => {
      await scene.save();
      await scene.save();
      const run = await scene.ask();
      await scene.stores.runs.markChunk(run, 1);
      return (await scene.stores.runs.markChunk(run, 1)) === undefined;
    },
  );
});
