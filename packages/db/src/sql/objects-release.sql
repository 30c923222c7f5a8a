-- Gives claimed objects back at once (yield, shutdown); the claim does not count. $1 ids bigint[]  $2 epochs int[].
-- Returns the ids. Locks in the order of the ids.
WITH held AS MATERIALIZED (
  SELECT o.id FROM source_object o JOIN unnest($1::bigint[], $2::int[]) AS h (id, epoch) ON o.id = h.id
  WHERE o.lease_epoch = h.epoch AND o.state = 'pending' AND o.lease_owner IS NOT NULL
  ORDER BY o.id FOR UPDATE OF o
)
UPDATE source_object o
SET lease_owner = NULL, lease_epoch = o.lease_epoch + 1, attempts = greatest(o.attempts - 1, 0), next_attempt_at = statement_timestamp()
FROM held h WHERE o.id = h.id
RETURNING o.id
