-- Starts the oldest waiting run of a storage when none is active: queued, with the current settings and unit 0; a retry has no
-- listing: it is running at once and its failed objects are pending again. A run of a target is queued, whatever
-- its kind. $1 storage int. Returns run_id, kind, state or no row.
-- Last statement of the transactions that ask for a run, end one or change the settings; each begins with the storage row
-- locked in a statement of its own (storage-lock, run-storage-lock, run-lock). The sweep calls it for a waiting run that nobody
-- promoted.
WITH next AS MATERIALIZED (
  SELECT r.id, r.organization_id, r.kind, s.id AS storage_id, s.direction, s.settings_version, s.location_version,
         s.direction = 'source' AND r.kind IN ('sync', 'retry') AND NOT (s.use_blob_urls AND s.provider <> 'redis') AS loads
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.storage_id = $1::int AND r.state = 'waiting' AND s.deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM run a WHERE a.storage_id = $1::int AND a.state IN ('queued', 'running'))
  ORDER BY r.id LIMIT 1 FOR NO KEY UPDATE OF r
), again AS (
  UPDATE source_object o
  SET state = 'pending', attempts = 0, rows_loaded = 0, byte_offset = NULL, content_failed = false, attempt_run_id = n.id,
      next_attempt_at = statement_timestamp()
  FROM next n
  WHERE n.kind = 'retry' AND n.loads AND o.storage_id = n.storage_id AND o.location_version = n.location_version AND o.state = 'failed'
  RETURNING 1
), promoted AS (
  UPDATE run r
  SET state = CASE WHEN n.kind = 'retry' AND n.direction = 'source' THEN 'running' ELSE 'queued' END, settings_version = n.settings_version,
      queued_at = clock_timestamp(), started_at = CASE WHEN n.kind = 'retry' AND n.direction = 'source' THEN clock_timestamp() END,
      heartbeat_at = CASE WHEN n.kind = 'retry' AND n.direction = 'source' THEN clock_timestamp() END,
      pending_before = (SELECT count(*) FROM again) + (
        SELECT count(*) FROM source_object o
        WHERE n.loads AND o.storage_id = n.storage_id AND o.location_version = n.location_version AND o.state = 'pending')
  FROM next n WHERE r.id = n.id
  RETURNING r.id, r.kind, r.state
), unit AS (
  INSERT INTO scan_unit (run_id, number, organization_id)
  SELECT n.id, 0, n.organization_id FROM next n WHERE n.direction = 'source' AND n.kind <> 'retry'
)
SELECT p.id AS run_id, p.kind, p.state FROM promoted p
