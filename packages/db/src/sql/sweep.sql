-- What needs a ring, over all organisations: run with the scope maintenance. $1 rows at most int.
-- Returns kind (scan, load, finish, promote), run_id, storage_id, organization_id, number, provider, title.
-- Ringing twice is harmless. After runs-of-deleted.
WITH unfinished AS MATERIALIZED (
  SELECT r.id, r.organization_id, r.storage_id, r.number, r.kind, r.state, r.cancel_requested, s.provider, s.title, s.location_version,
         s.direction, r.kind = 'dry_run' OR (s.use_blob_urls AND s.provider <> 'redis') AS loads_nothing
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.state IN ('waiting', 'queued', 'running')
), judged AS (
  SELECT CASE
    WHEN u.state = 'waiting' THEN
      CASE WHEN NOT EXISTS (SELECT FROM run a WHERE a.storage_id = u.storage_id AND a.state IN ('queued', 'running')) THEN 'promote' END
    WHEN u.direction <> 'source' THEN NULL
    WHEN u.cancel_requested THEN 'finish'
    WHEN EXISTS (SELECT FROM scan_unit g WHERE g.run_id = u.id AND g.state = 'open'
                 AND (g.lease_until IS NULL OR g.lease_until < statement_timestamp())) THEN 'scan'
    WHEN NOT u.loads_nothing AND u.state = 'running' AND EXISTS (
      SELECT FROM source_object o WHERE o.storage_id = u.storage_id AND o.location_version = u.location_version AND o.state = 'pending'
      AND o.next_attempt_at <= statement_timestamp()) THEN 'load'
    WHEN NOT EXISTS (SELECT FROM scan_unit g WHERE g.run_id = u.id AND g.state = 'open')
         AND (u.loads_nothing OR NOT EXISTS (
           SELECT FROM source_object o WHERE o.storage_id = u.storage_id AND o.location_version = u.location_version AND o.state = 'pending'))
      THEN 'finish'
    END AS need, u.*
  FROM unfinished u
)
SELECT j.need AS kind, j.id AS run_id, j.storage_id, j.organization_id, j.number, j.provider, j.title
FROM judged j WHERE j.need IS NOT NULL ORDER BY j.id LIMIT $1::int
