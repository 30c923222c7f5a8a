-- Ends an import run when nothing is left to do. Exactly one caller gets a row. After run-lock (or run-storage-lock), in its
-- transaction. $1 run int. Returns state; no row: not finished yet, or somebody else ended it.
-- completed: no open issue on anything that this run saw. failed: every object that it listed failed and not one task of them
-- exists; a retry lists nothing and is failed when no object of the present place was ever loaded. The error is then that of the
-- first issue. A canceled run ends when nothing is leased.
WITH due AS MATERIALIZED (
  SELECT r.id, r.kind, r.storage_id, s.location_version, r.cancel_requested,
         r.kind = 'dry_run' OR (s.use_blob_urls AND s.provider <> 'redis') AS loads_nothing
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.id = $1::int AND r.state IN ('queued', 'running') AND s.direction = 'source' FOR NO KEY UPDATE OF r
), ready AS MATERIALIZED (
  SELECT d.*
  FROM due d
  WHERE (NOT EXISTS (SELECT FROM scan_unit g WHERE g.run_id = d.id AND g.state <> 'done')
         AND (d.loads_nothing
              OR NOT EXISTS (SELECT FROM source_object o WHERE o.storage_id = d.storage_id AND o.location_version = d.location_version AND o.state = 'pending')))
     OR (d.cancel_requested
         AND NOT EXISTS (SELECT FROM scan_unit g WHERE g.run_id = d.id AND g.state = 'open' AND g.lease_until > statement_timestamp())
         AND (d.loads_nothing
              OR NOT EXISTS (SELECT FROM source_object o WHERE o.storage_id = d.storage_id AND o.location_version = d.location_version
                             AND o.state = 'pending' AND o.lease_owner IS NOT NULL AND o.next_attempt_at > statement_timestamp())))
), sums AS MATERIALIZED (
  SELECT coalesce(sum(g.seen), 0) AS seen, coalesce(sum(g.created), 0) AS created, coalesce(sum(g.known), 0) AS known,
         coalesce(sum(g.skipped), 0) AS skipped, coalesce(sum(g.tasks), 0) AS tasks, coalesce(sum(g.existed), 0) AS existed,
         coalesce(sum(g.failed), 0) AS failed,
         (SELECT coalesce(sum(c.rows), 0) FROM run_slot c WHERE c.run_id = $1::int) AS rows,
         (SELECT coalesce(sum(c.vanished), 0) FROM run_slot c WHERE c.run_id = $1::int) AS vanished
  FROM scan_unit g WHERE g.run_id = $1::int
), bad AS MATERIALIZED (
  SELECT count(*) AS issues, count(DISTINCT i.key) AS keys FROM issue i WHERE i.run_id = $1::int AND i.resolved_at IS NULL
), verdict AS MATERIALIZED (
  SELECT d.id,
         CASE WHEN d.cancel_requested THEN 'canceled'
              WHEN d.kind = 'dry_run' OR b.issues = 0 THEN 'completed'
              WHEN d.kind = 'retry' AND EXISTS (
                SELECT FROM source_object o WHERE o.storage_id = d.storage_id AND o.location_version = d.location_version
                AND (o.state = 'done' OR o.live_tasks > 0)) THEN 'completed_with_errors'
              WHEN d.kind <> 'retry' AND (b.keys < t.seen - t.vanished OR t.existed + t.tasks + t.rows > 0) THEN 'completed_with_errors'
              ELSE 'failed' END AS state
  FROM ready d CROSS JOIN sums t CROSS JOIN bad b
), first_issue AS MATERIALIZED (
  SELECT i.code, i.message FROM issue i JOIN verdict v ON v.state = 'failed' AND i.run_id = v.id
  WHERE i.resolved_at IS NULL ORDER BY i.key, i.row_index LIMIT 1
)
UPDATE run r
SET state = v.state, finished_at = clock_timestamp(),
    seen = t.seen, created = t.created, known = t.known, skipped = t.skipped, tasks = t.tasks + t.rows, tasks_existed = t.existed,
    failed = CASE WHEN r.kind = 'dry_run' THEN t.failed ELSE b.issues END,
    error_code = CASE v.state WHEN 'canceled' THEN 'canceled' WHEN 'failed' THEN 'corrupt_data' END,
    error_reason = (SELECT x.code FROM first_issue x),
    error_message = CASE v.state WHEN 'canceled' THEN 'the run was canceled' WHEN 'failed' THEN (SELECT x.message FROM first_issue x) END
FROM verdict v CROSS JOIN sums t CROSS JOIN bad b
WHERE r.id = v.id
RETURNING r.state
