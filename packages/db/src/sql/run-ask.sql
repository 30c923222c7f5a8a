-- Asks for a run: inserts it waiting; run-promote, next in the transaction, starts it when none is active. After storage-lock.
-- $1 storage int   $2 trigger text   $3 kind text   $4 actor int   $5 options text (JSON)
-- Returns run_id, number, created, state; no row: no such storage. Any number of callers.
-- A run of this kind that is still queued will see everything anyway and is the answer; so is one that waits already. One of a target
-- that takes only what changed is no answer to a full one: that waits behind it, or replaces its options. Nor does a comparison that
-- repairs nothing answer one that repairs.
WITH of AS MATERIALIZED (
  SELECT s.id, s.organization_id, s.settings_version FROM storage s WHERE s.id = $1::int AND s.deleted_at IS NULL
), queued AS MATERIALIZED (
  SELECT r.id, r.number FROM run r
  WHERE r.storage_id = $1::int AND r.kind = $3::text AND r.state = 'queued' AND NOT r.cancel_requested
    AND (r.options->>'only_changed' IS DISTINCT FROM 'true' OR $5::jsonb->>'only_changed' = 'true')
    AND (r.options->>'repair' = 'true' OR $5::jsonb->>'repair' IS DISTINCT FROM 'true')
  FOR NO KEY UPDATE
), asked AS (
  INSERT INTO run AS r (organization_id, storage_id, number, kind, trigger, actor_id, options, settings_version)
  SELECT s.organization_id, s.id, 1 + coalesce((SELECT max(x.number) FROM run x WHERE x.storage_id = s.id), 0), $3::text, $2::text,
         $4::int, $5::jsonb, s.settings_version
  FROM of s WHERE NOT EXISTS (SELECT FROM queued)
  ON CONFLICT (storage_id, kind) WHERE state = 'waiting' DO UPDATE
  SET options = CASE WHEN r.options->>'only_changed' = 'true' OR excluded.options->>'repair' = 'true' THEN excluded.options ELSE r.options END
  RETURNING r.id, r.number, (r.xmax = 0) AS created
)
SELECT a.id AS run_id, a.number, a.created, 'waiting' AS state FROM asked a
UNION ALL SELECT q.id, q.number, false, 'queued' FROM queued q
