-- The one place that deletes annotations: it writes the wishes. After project-hold (and tasks-lock when the tasks go too).
-- $1 annotation ids bigint[] or NULL   $2 task ids bigint[] or NULL (every annotation of these tasks)
-- Returns deleted int, targets int[] (to ring). Targets with can_delete_objects want the object deleted (of a task: when its
-- last annotation goes, else put again); elsewhere the delivery ends and what the bucket holds stays.
WITH held AS MATERIALIZED (
  SELECT t.id FROM task t
  WHERE t.id = ANY ($2::bigint[]) OR t.id IN (SELECT a.task_id FROM annotation a WHERE a.id = ANY ($1::bigint[]))
  ORDER BY t.id FOR NO KEY UPDATE
), removed AS (
  DELETE FROM annotation a USING held t
  WHERE a.task_id = t.id AND (a.id = ANY ($1::bigint[]) OR a.task_id = ANY ($2::bigint[]))
  RETURNING a.id, a.organization_id, a.project_id, a.task_id, a.was_cancelled, a.revision + 1 AS revision
), per_task AS MATERIALIZED (
  SELECT r.task_id, count(*) FILTER (WHERE NOT r.was_cancelled)::int AS n, count(*) FILTER (WHERE r.was_cancelled)::int AS cancelled
  FROM removed r GROUP BY 1
), counted AS (
  UPDATE task t
  SET total_annotations = t.total_annotations - p.n, cancelled_annotations = t.cancelled_annotations - p.cancelled,
      is_labeled = t.total_annotations - p.n > 0 AND t.total_annotations - p.n >= t.overlap,
      export_revision = t.export_revision + 1, updated_at = now()
  FROM per_task p WHERE t.id = p.task_id
  RETURNING t.id, t.organization_id, t.project_id, t.export_revision, t.total_annotations + t.cancelled_annotations AS annotations
), subject AS MATERIALIZED (
  SELECT organization_id, project_id, 'annotation' AS type, id, revision, 'delete' AS op FROM removed
  UNION ALL
  SELECT organization_id, project_id, 'task', id, export_revision, CASE WHEN annotations = 0 THEN 'delete' ELSE 'put' END FROM counted
), wish AS MATERIALIZED (
  SELECT x.*, g.id AS target_id, coalesce(g.can_delete_objects, false) OR x.op = 'put' AS wanted
  FROM subject x JOIN storage g ON g.project_id = x.project_id AND g.direction = 'target' AND g.deleted_at IS NULL
  WHERE x.type = g.subject
), wished AS (
  INSERT INTO delivery AS d (organization_id, target_id, subject_type, subject_id, wanted_revision, wanted_op, due_at, state)
  SELECT w.organization_id, w.target_id, w.type, w.id, w.revision, w.op, CASE WHEN w.wanted THEN statement_timestamp() END,
         CASE WHEN w.wanted THEN 'pending' ELSE 'ended' END
  FROM wish w ORDER BY w.target_id, w.type, w.id
  ON CONFLICT (target_id, subject_type, subject_id) DO UPDATE
  SET wanted_revision = greatest(d.wanted_revision, excluded.wanted_revision),
      wanted_op = CASE WHEN excluded.wanted_revision > d.wanted_revision THEN excluded.wanted_op ELSE d.wanted_op END,
      wanted_at = CASE WHEN d.state = 'pending' THEN d.wanted_at ELSE statement_timestamp() END,
      old_place = CASE WHEN excluded.wanted_op = 'put' THEN NULL ELSE d.old_place END,
      state = excluded.state, marked_only = false,
      settle_at = CASE WHEN excluded.state = 'ended' THEN NULL ELSE d.settle_at END,
      run_id = CASE WHEN excluded.state = 'ended' THEN NULL ELSE d.run_id END,
      lease_owner = CASE WHEN excluded.state = 'ended' THEN NULL ELSE d.lease_owner END,
      lease_epoch = d.lease_epoch + CASE WHEN excluded.state = 'ended' THEN 1 ELSE 0 END,
      due_at = CASE WHEN excluded.state = 'ended' THEN NULL
                    WHEN d.due_at IS NULL OR (d.lease_owner IS NULL AND d.due_at = d.settle_at) THEN excluded.due_at ELSE d.due_at END
  RETURNING d.target_id, d.state
)
SELECT (SELECT count(*)::int FROM removed) AS deleted,
       coalesce((SELECT array_agg(DISTINCT w.target_id) FROM wished w WHERE w.state = 'pending'), '{}') AS targets
