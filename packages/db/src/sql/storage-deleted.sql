-- Marks a storage as deleted; the purge takes its rows later, in chunks. Its active and waiting runs end as canceled and
-- claimed objects are given back, so that nothing is written for it any more. After storage-lock.
-- $1 storage int. Returns id; no row: no such storage.
WITH deleted AS (
  UPDATE storage s SET deleted_at = now(), secrets = NULL, settings_version = s.settings_version + 1
  WHERE s.id = $1::int AND s.deleted_at IS NULL
  RETURNING s.id
), ended AS (
  UPDATE run r
  SET state = 'canceled', error_code = 'canceled', error_reason = 'storage_deleted', error_message = 'the storage was deleted',
      finished_at = clock_timestamp()
  FROM deleted d WHERE r.storage_id = d.id AND r.state IN ('waiting', 'queued', 'running')
), place_gone AS (
  DELETE FROM target_place p USING deleted d WHERE p.target_id = d.id
)
SELECT d.id FROM deleted d
