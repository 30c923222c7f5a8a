-- Wants one chunk of a project's annotations (or annotated tasks, where the target exports per task) on the target of a run: sync
-- of all, or what failed (kind retry). $1 run int  $2 marked_up_to that the caller saw bigint  $3 chunk int (1000)
-- Returns marked, done; no row: somebody else marked this chunk, the run is over or canceled, or the target changed.
-- Every chunk is its own transaction; a save waits for one chunk at most.
-- options.only_changed: only what the target does not hold at its present location; else everything again.
-- A chunk read a moment before a save loses nothing: wanted_revision only rises, the newer wish keeps its operation.
-- marked_only: nothing was wanted before this run; canceling it takes the mark back.
WITH of AS MATERIALIZED (
  SELECT r.id, r.kind, coalesce((r.options->>'only_changed')::boolean, false) AS only_changed,
         s.id AS target_id, s.organization_id, s.project_id, s.location_version, s.subject
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.id = $1::int AND r.state IN ('queued', 'running') AND NOT r.cancel_requested AND NOT r.marking_done
    AND r.kind <> 'reconcile' AND r.marked_up_to = $2::bigint AND r.settings_version = s.settings_version AND s.direction = 'target' AND s.deleted_at IS NULL
  FOR NO KEY UPDATE OF r
), chunk AS MATERIALIZED (
  (SELECT a.id, a.revision FROM annotation a
   WHERE (SELECT o.subject = 'annotation' AND o.kind = 'sync' FROM of o) AND a.project_id = (SELECT o.project_id FROM of o) AND a.id > $2::bigint
   ORDER BY a.id LIMIT $3::int)
  UNION ALL
  (SELECT t.id, t.export_revision FROM task t
   WHERE (SELECT o.subject = 'task' AND o.kind = 'sync' FROM of o) AND t.project_id = (SELECT o.project_id FROM of o) AND t.id > $2::bigint
     AND t.total_annotations + t.cancelled_annotations > 0
   ORDER BY t.id LIMIT $3::int)
), broken AS MATERIALIZED (
  SELECT d.subject_id AS id, d.subject_type FROM delivery d
  WHERE (SELECT o.kind = 'retry' FROM of o) AND d.target_id = (SELECT o.target_id FROM of o)
    AND d.subject_type = (SELECT o.subject FROM of o) AND d.subject_id > $2::bigint
    AND d.last_error_code IS NOT NULL AND d.state = 'pending'
  ORDER BY d.subject_id LIMIT $3::int FOR NO KEY UPDATE
), again AS (
  UPDATE delivery d
  SET run_id = $1::int, run_revision = d.wanted_revision,
      attempts = CASE WHEN d.lease_owner IS NULL THEN 0 ELSE d.attempts END,
      due_at = CASE WHEN d.lease_owner IS NULL THEN least(d.due_at, statement_timestamp()) ELSE d.due_at END
  FROM broken b CROSS JOIN of o WHERE d.target_id = o.target_id AND d.subject_type = b.subject_type AND d.subject_id = b.id
  RETURNING 1
), wished AS (
  INSERT INTO delivery AS d (organization_id, target_id, subject_type, subject_id, wanted_revision, wanted_op, due_at, run_id, run_revision,
                             marked_only)
  SELECT o.organization_id, o.target_id, o.subject, c.id, c.revision, 'put', statement_timestamp(), o.id, c.revision, true
  FROM of o CROSS JOIN chunk c ORDER BY c.id
  ON CONFLICT (target_id, subject_type, subject_id) DO UPDATE
  SET wanted_revision = greatest(d.wanted_revision, excluded.wanted_revision),
      wanted_op = CASE WHEN excluded.wanted_revision > d.wanted_revision THEN excluded.wanted_op ELSE d.wanted_op END,
      wanted_at = CASE WHEN d.state = 'pending' THEN d.wanted_at ELSE statement_timestamp() END,
      marked_only = d.marked_only OR d.state = 'delivered',
      state = 'pending', run_id = excluded.run_id, run_revision = greatest(d.wanted_revision, excluded.wanted_revision),
      attempts = CASE WHEN d.lease_owner IS NULL THEN 0 ELSE d.attempts END,
      due_at = CASE WHEN d.lease_owner IS NULL THEN least(d.due_at, excluded.due_at) ELSE d.due_at END
  WHERE (d.state <> 'ended' OR excluded.wanted_revision > d.wanted_revision)
    AND (NOT (SELECT o.only_changed FROM of o) OR d.state = 'pending' OR d.delivered_revision IS NULL
         OR d.delivered_revision < excluded.wanted_revision OR d.settings_version < (SELECT o.location_version FROM of o))
  RETURNING 1
), sums AS MATERIALIZED (
  SELECT (SELECT count(*) FROM wished) + (SELECT count(*) FROM again) AS marked,
         (SELECT count(*) FROM chunk) + (SELECT count(*) FROM broken) AS seen,
         greatest((SELECT max(c.id) FROM chunk c), (SELECT max(b.id) FROM broken b)) AS last
), moved AS (
  UPDATE run r
  SET marked_up_to = coalesce(x.last, r.marked_up_to), marked = r.marked + x.marked, marking_done = x.seen < $3::int, state = 'running',
      started_at = coalesce(r.started_at, clock_timestamp()), heartbeat_at = clock_timestamp()
  FROM of o CROSS JOIN sums x WHERE r.id = o.id
  RETURNING r.marking_done
)
SELECT x.marked::int AS marked, m.marking_done AS done FROM moved m CROSS JOIN sums x
