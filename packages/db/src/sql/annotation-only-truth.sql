-- A task has one ground truth: the other annotations are none any more. After annotation-save of that one, in its transaction, which
-- holds the task. $1 annotation bigint (the one that stays)
-- Returns targets int[] (to ring). Targets of tasks have their wish from annotation-save; drafts stay.
WITH others AS (
  UPDATE annotation a SET ground_truth = false, revision = a.revision + 1
  WHERE a.task_id = (SELECT x.task_id FROM annotation x WHERE x.id = $1::bigint) AND a.id <> $1::bigint AND a.ground_truth
  RETURNING a.id, a.organization_id, a.project_id, a.revision
), wished AS (
  INSERT INTO delivery AS d (organization_id, target_id, subject_type, subject_id, wanted_revision, wanted_op, due_at)
  SELECT o.organization_id, g.id, 'annotation', o.id, o.revision, 'put', statement_timestamp()
  FROM others o JOIN storage g ON g.project_id = o.project_id AND g.direction = 'target' AND g.deleted_at IS NULL AND g.subject = 'annotation'
  ORDER BY g.id, o.id
  ON CONFLICT (target_id, subject_type, subject_id) DO UPDATE
  SET wanted_revision = greatest(d.wanted_revision, excluded.wanted_revision),
      wanted_op = CASE WHEN excluded.wanted_revision > d.wanted_revision THEN excluded.wanted_op ELSE d.wanted_op END,
      wanted_at = CASE WHEN d.state = 'pending' THEN d.wanted_at ELSE statement_timestamp() END,
      state = 'pending', marked_only = false,
      due_at = CASE WHEN d.due_at IS NULL OR (d.lease_owner IS NULL AND d.due_at = d.settle_at) THEN excluded.due_at ELSE d.due_at END
  RETURNING d.target_id
)
SELECT coalesce((SELECT array_agg(DISTINCT w.target_id) FROM wished w), '{}') AS targets
