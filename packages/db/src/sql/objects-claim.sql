-- Claims objects to load, at most $3 objects and about $4 bytes; one object that is larger alone is claimed alone, and so is one
-- whose last claim came to no end: if it kills its worker, it must not take others with it to their last attempt.
-- $1 run int   $2 owner text   $3 count int   $4 bytes bigint   $5 lease seconds float8   $6 claims before poison int
-- Returns id, key, etag, version, size, epoch, attempts, rows_loaded, byte_offset; no row: nothing to load now, try run-lock.
-- attempts rises here and falls back to 1 with every checkpoint. An object that is due after its $6th claim never came to an
-- end: it becomes failed with the issue "poison" (a failure of its content) instead of being claimed. A worker that reports a
-- failure (load-fail) gives up itself at attempts = $6.
-- Expired leases are due by themselves: a claim moves next_attempt_at to the end of the lease.
-- statement_timestamp() is stable and becomes an index condition; clock_timestamp() would scan every future row.
WITH active AS MATERIALIZED (
  SELECT r.id AS run_id, r.storage_id, s.location_version FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.id = $1::int AND r.state = 'running' AND NOT r.cancel_requested AND r.settings_version = s.settings_version
    AND r.kind IN ('sync', 'retry') AND NOT (s.use_blob_urls AND s.provider <> 'redis')
), due AS MATERIALIZED (
  SELECT o.id, coalesce(o.size, 0) AS size, o.next_attempt_at, o.attempts FROM source_object o
  WHERE o.storage_id = (SELECT storage_id FROM active) AND o.location_version = (SELECT location_version FROM active)
    AND o.state = 'pending' AND o.next_attempt_at <= statement_timestamp()
  ORDER BY o.next_attempt_at LIMIT $3::int FOR UPDATE SKIP LOCKED
), poisoned AS (
  UPDATE source_object o
  SET state = 'failed', content_failed = true, attempt_run_id = $1::int, lease_owner = NULL, lease_epoch = o.lease_epoch + 1, next_attempt_at = NULL
  FROM due d WHERE o.id = d.id AND d.attempts >= $6::int
  RETURNING o.organization_id, o.storage_id, o.key
), noted AS (
  INSERT INTO issue AS i (organization_id, storage_id, run_id, key, code, message)
  SELECT p.organization_id, p.storage_id, $1::int, p.key, 'poison',
         format('%s workers in a row did not survive this object; look at it, then retry it', $6::int)
  FROM poisoned p ORDER BY p.key
  ON CONFLICT (storage_id, key, row_index) WHERE resolved_at IS NULL
  DO UPDATE SET run_id = excluded.run_id, last_seen_at = now(), code = excluded.code, message = excluded.message
), counted AS (
  INSERT INTO run_slot AS c (organization_id, run_id, slot, objects)
  SELECT p.organization_id, $1::int, 0, count(*) FROM poisoned p GROUP BY p.organization_id
  ON CONFLICT (run_id, slot) DO UPDATE SET objects = c.objects + excluded.objects
), fit AS (
  SELECT id, attempts, sum(size) OVER w AS bytes, row_number() OVER w AS n, first_value(attempts) OVER w AS first_attempts
  FROM due WHERE attempts < $6::int WINDOW w AS (ORDER BY next_attempt_at, id)
)
UPDATE source_object o
SET lease_owner = $2::text, lease_epoch = o.lease_epoch + 1, attempts = o.attempts + 1, attempt_run_id = $1::int,
    next_attempt_at = clock_timestamp() + make_interval(secs => $5::float8)
FROM fit
WHERE o.id = fit.id AND (fit.n = 1 OR (fit.bytes <= $4::bigint AND fit.attempts = 0 AND fit.first_attempts = 0))
RETURNING o.id, o.key, o.etag, o.version, o.size, o.lease_epoch AS epoch, o.attempts, o.rows_loaded, o.byte_offset
