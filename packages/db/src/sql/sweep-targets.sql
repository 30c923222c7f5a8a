-- Targets and their runs that need a ring, over all organisations: scope maintenance. $1 rows at most int.
-- Returns kind (push: deliveries are due and the breaker does not hold them back; run: an active run that no worker has looked at for
-- a while), target_id, organization_id, provider, title, run_id and number (of a run). Ringing twice is harmless.
SELECT 'run' AS kind, s.id AS target_id, s.organization_id, s.provider, s.title, r.id AS run_id, r.number
FROM run r JOIN storage s ON s.id = r.storage_id AND s.direction = 'target' AND s.deleted_at IS NULL
WHERE r.state IN ('queued', 'running')
  AND (r.heartbeat_at IS NULL OR r.heartbeat_at < statement_timestamp() - interval '10 s')
UNION ALL
SELECT 'push', s.id, s.organization_id, s.provider, s.title, NULL, NULL
FROM storage s
WHERE s.direction = 'target' AND s.deleted_at IS NULL AND (s.breaker_until IS NULL OR s.breaker_until <= statement_timestamp())
  AND EXISTS (SELECT FROM delivery d WHERE d.target_id = s.id AND d.due_at <= statement_timestamp())
LIMIT $1::int
