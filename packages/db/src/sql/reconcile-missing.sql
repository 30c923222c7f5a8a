-- After the listing of a comparison: one chunk of deliveries by subject id, those without a mark are missing. $1 run int
-- $2 marked_up_to that the caller saw bigint  $3 chunk int (1000)
-- Returns one row per missing object (key, subject_type, subject_id) and always one with key NULL: done, repair, target_id. No row: the
-- run is over or canceled, its target changed, or somebody else did this chunk.
-- Missing is what was put and at rest before the comparison began; what was put later may lie behind the listing.
WITH of AS MATERIALIZED (
  SELECT r.id, r.started_at, s.id AS target_id, s.location_version, s.subject, coalesce((r.options->>'repair')::boolean, false) AS repair
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.id = $1::int AND r.kind = 'reconcile' AND r.state = 'running' AND NOT r.cancel_requested AND r.compare_listed
    AND NOT r.marking_done AND r.marked_up_to = $2::bigint AND r.settings_version = s.settings_version AND s.deleted_at IS NULL
  FOR NO KEY UPDATE OF r
), chunk AS MATERIALIZED (
  SELECT d.subject_type, d.subject_id, d.object_key, d.object_key IS NOT NULL AND d.place_version = (SELECT o.location_version FROM of o)
           AND d.wanted_op = 'put' AND d.state = 'delivered' AND d.lease_owner IS NULL AND d.due_at IS NULL
           AND d.delivered_at < (SELECT o.started_at FROM of o) AS is_judged
  FROM delivery d
  WHERE d.target_id = (SELECT o.target_id FROM of o) AND d.subject_type = (SELECT o.subject FROM of o) AND d.subject_id > $2::bigint
  ORDER BY d.subject_id LIMIT $3::int
), moved AS (
  UPDATE run r
  SET marked_up_to = coalesce((SELECT max(c.subject_id) FROM chunk c), r.marked_up_to),
      marking_done = (SELECT count(*) FROM chunk) < $3::int, heartbeat_at = clock_timestamp()
  FROM of o WHERE r.id = o.id
  RETURNING r.marking_done
)
SELECT c.object_key AS key, c.subject_type, c.subject_id, NULL::boolean AS done, o.repair, o.target_id
FROM of o CROSS JOIN chunk c
WHERE c.is_judged AND NOT EXISTS (SELECT FROM reconcile_mark m WHERE m.run_id = o.id AND m.subject_id = c.subject_id OFFSET 0)
UNION ALL
SELECT NULL, NULL, NULL, m.marking_done, o.repair, o.target_id FROM of o CROSS JOIN moved m
