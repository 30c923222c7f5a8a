-- Ends a run as failed. After run-storage-lock, before run-promote. $1 run int  $2 code text  $3 reason text  $4 message text
-- $5 unit number int or NULL  $6 its lease epoch int: then only while that lease is held and the settings are those of the run
-- Returns ok; no row: the run is over, the lease is lost or the settings changed, nothing was written. Claimed objects are given
-- back, except those of a batch that is being written at this moment.
WITH due AS MATERIALIZED (
  SELECT r.id, r.storage_id, s.location_version
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.id = $1::int AND r.state IN ('queued', 'running')
    AND ($5::int IS NULL
         OR (r.settings_version = s.settings_version
             AND EXISTS (SELECT FROM scan_unit g WHERE g.run_id = r.id AND g.number = $5::int AND g.lease_epoch = $6::int)))
  FOR NO KEY UPDATE OF r
), held AS MATERIALIZED (
  SELECT o.id FROM due d JOIN source_object o ON o.storage_id = d.storage_id AND o.location_version = d.location_version
  WHERE o.state = 'pending' AND o.lease_owner IS NOT NULL FOR UPDATE OF o SKIP LOCKED
), released AS (
  UPDATE source_object o
  SET lease_owner = NULL, lease_epoch = o.lease_epoch + 1, attempts = greatest(o.attempts - 1, 0), next_attempt_at = statement_timestamp()
  FROM held h WHERE o.id = h.id
)
UPDATE run r
SET state = 'failed', error_code = $2::text, error_reason = $3::text, error_message = $4::text, finished_at = clock_timestamp(),
    seen = t.seen, created = t.created, known = t.known, skipped = t.skipped, tasks = t.tasks + t.rows, tasks_existed = t.existed,
    failed = (SELECT count(*) FROM issue i WHERE i.run_id = r.id AND i.resolved_at IS NULL)
FROM due d CROSS JOIN (
  SELECT coalesce(sum(g.seen), 0) AS seen, coalesce(sum(g.created), 0) AS created, coalesce(sum(g.known), 0) AS known,
         coalesce(sum(g.skipped), 0) AS skipped, coalesce(sum(g.tasks), 0) AS tasks, coalesce(sum(g.existed), 0) AS existed,
         (SELECT coalesce(sum(c.rows), 0) FROM run_slot c WHERE c.run_id = $1::int) AS rows
  FROM scan_unit g WHERE g.run_id = $1::int) t
WHERE r.id = d.id
RETURNING true AS ok
