-- Moves every annotation of some tasks to another task of the project (duplicates become one), and wishes what that means for targets.
-- After project-hold. $1 from task ids bigint[]  $2 to task bigint  $3 project int
-- Returns moved int, targets int[] (to ring). A task that has none left wants its object deleted where the target may do that.
WITH held AS MATERIALIZED (
  SELECT t.id FROM task t WHERE (t.id = ANY ($1::bigint[]) OR t.id = $2::bigint) AND t.project_id = $3::int ORDER BY t.id FOR NO KEY UPDATE
), from_task AS MATERIALIZED (
  SELECT a.id, a.task_id FROM annotation a JOIN held t ON t.id = a.task_id
  WHERE a.task_id <> $2::bigint AND EXISTS (SELECT FROM held h WHERE h.id = $2::bigint) ORDER BY a.id FOR NO KEY UPDATE OF a
), moved AS (
  UPDATE annotation a SET task_id = $2::bigint, revision = a.revision + 1 FROM from_task f WHERE a.id = f.id
  RETURNING a.id, a.organization_id, a.project_id, a.was_cancelled, a.revision, f.task_id AS old_task
), draft_moved AS (
  UPDATE draft d SET task_id = $2::bigint FROM from_task f WHERE d.annotation_id = f.id
), step AS MATERIALIZED (
  SELECT m.old_task AS task_id, -count(*) FILTER (WHERE NOT m.was_cancelled) AS total, -count(*) FILTER (WHERE m.was_cancelled) AS cancelled
  FROM moved m GROUP BY 1
  UNION ALL
  SELECT $2::bigint, count(*) FILTER (WHERE NOT m.was_cancelled), count(*) FILTER (WHERE m.was_cancelled) FROM moved m HAVING count(*) > 0
), counted AS (
  UPDATE task t
  SET total_annotations = t.total_annotations + p.total, cancelled_annotations = t.cancelled_annotations + p.cancelled,
      is_labeled = t.total_annotations + p.total > 0 AND t.total_annotations + p.total >= t.overlap,
      export_revision = t.export_revision + 1, updated_at = now()
  FROM step p WHERE t.id = p.task_id
  RETURNING t.id, t.organization_id, t.project_id, t.export_revision, t.total_annotations + t.cancelled_annotations AS annotations
), subject AS MATERIALIZED (
  SELECT organization_id, project_id, 'annotation' AS type, id, revision, 'put' AS op FROM moved
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
SELECT (SELECT count(*)::int FROM moved) AS moved,
       coalesce((SELECT array_agg(DISTINCT w.target_id) FROM wished w WHERE w.state = 'pending'), '{}') AS targets
