-- First statement of the transaction that ends a run of a target: when the run looks finished it holds the storage row.
-- $1 run int  $2 seconds of outage float8  $3 attempts after which a delivery counts as failed int
-- OFFSET 0: looked up per run; a hash of all deliveries would be the plan otherwise.
-- Returns storage_id: go on with export-run-finish, then run-promote. No row: something of its cohort may still go through.
SELECT s.id AS storage_id
FROM run r JOIN storage s ON s.id = r.storage_id
WHERE r.id = $1::int AND r.state IN ('queued', 'running') AND s.direction = 'target'
  AND (r.cancel_requested
    OR greatest(s.breaker_since, r.started_at) + make_interval(secs => $2::float8) <= statement_timestamp() AND s.breaker_since IS NOT NULL
    OR r.marking_done AND NOT EXISTS (
      SELECT FROM delivery d
      WHERE d.run_id = r.id AND NOT (d.lease_owner IS NULL AND d.last_error_code IS NOT NULL AND d.attempts >= $3::int) OFFSET 0))
FOR NO KEY UPDATE OF s
