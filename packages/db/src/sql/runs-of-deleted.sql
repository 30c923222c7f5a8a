-- Ends the runs of deleted storages and projects as canceled: first statement of the sweep, scope maintenance. No parameters.
-- Returns the ids. Nothing promotes a run there, so no lock on the storage is needed.
UPDATE run r
SET state = 'canceled', error_code = 'canceled', error_reason = 'storage_deleted', error_message = 'the storage was deleted',
    finished_at = clock_timestamp()
FROM storage s JOIN project p ON p.id = s.project_id
WHERE r.state IN ('waiting', 'queued', 'running') AND s.id = r.storage_id AND (s.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL)
RETURNING r.id
