-- Begins, or goes on with, a comparison of a target with its bucket. $1 run int
-- Returns the target of one snapshot, repair, how far the listing is (page, cursor, listed), since: the database's clock now, for
-- what is listed after this. No row: the run is over, canceled, or its target changed.
SELECT s.id AS target_id, s.project_id, s.provider, s.settings, s.secrets, s.title, s.prefix, s.subject, s.key_template, s.json_extension,
       coalesce(s.can_delete_objects, false) AS can_delete_objects, s.settings_version, s.location_version, false AS is_retired,
       coalesce((r.options->>'repair')::boolean, false) AS repair, r.compare_page AS page, r.compare_cursor AS cursor,
       r.compare_listed AS listed, clock_timestamp()::text AS since
FROM run r JOIN storage s ON s.id = r.storage_id AND s.direction = 'target' AND s.deleted_at IS NULL
WHERE r.id = $1::int AND r.kind = 'reconcile' AND r.state IN ('queued', 'running') AND NOT r.cancel_requested
  AND r.settings_version = s.settings_version
