-- A run as it stands now, with its storage in the same snapshot. $1 run int. Returns one row or none.
SELECT r.kind, r.number, r.state, r.cancel_requested, r.settings_version AS run_settings_version,
       s.id AS storage_id, s.project_id, s.provider, s.settings, s.secrets, s.title, s.prefix, s.regex_filter, s.use_blob_urls,
       s.recursive_scan, s.settings_version, s.location_version
FROM run r JOIN storage s ON s.id = r.storage_id
WHERE r.id = $1::int
