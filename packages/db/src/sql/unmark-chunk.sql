-- Takes back what only a canceled run wanted, a chunk at a time. $1 run int  $2 chunk int. Returns unmarked int; 0: nothing is left but
-- what a worker holds at this moment. What a save wished, and what a push has begun, stays wanted.
-- An annotation that the target never held has no delivery again; one that it held is delivered as it was.
WITH of AS MATERIALIZED (
  SELECT r.id FROM run r WHERE r.id = $1::int AND r.cancel_requested AND r.state IN ('queued', 'running')
), rest AS MATERIALIZED (
  SELECT d.target_id, d.subject_type, d.subject_id,
         d.delivered_revision IS NULL AND d.object_key IS NULL AND d.settle_at IS NULL AS is_new, d.delivered_revision IS NULL AS is_begun
  FROM of o JOIN delivery d ON d.run_id = o.id
  WHERE d.marked_only AND d.lease_owner IS NULL
  ORDER BY d.target_id, d.subject_type, d.subject_id LIMIT $2::int FOR UPDATE OF d SKIP LOCKED
), gone AS (
  DELETE FROM delivery d USING rest x
  WHERE x.is_new AND d.target_id = x.target_id AND d.subject_type = x.subject_type AND d.subject_id = x.subject_id
), back AS (
  UPDATE delivery d
  SET marked_only = false, run_id = NULL, run_revision = NULL,
      state = CASE WHEN x.is_begun OR d.delivered_revision < d.wanted_revision AND d.settings_version >= s.location_version THEN 'pending' ELSE 'delivered' END,
      due_at = CASE WHEN x.is_begun OR d.delivered_revision < d.wanted_revision AND d.settings_version >= s.location_version THEN d.due_at ELSE d.settle_at END
  FROM rest x JOIN storage s ON s.id = x.target_id
  WHERE NOT x.is_new AND d.target_id = x.target_id AND d.subject_type = x.subject_type AND d.subject_id = x.subject_id
)
SELECT count(*)::int AS unmarked FROM rest
