-- Renews the leases of objects that are being loaded. $1 ids bigint[]  $2 epochs int[]  $3 lease seconds float8  $4 run int.
-- Returns the ids still held; none when the storage changed. Locks in the order of the ids.
WITH held AS MATERIALIZED (
  SELECT o.id FROM source_object o JOIN unnest($1::bigint[], $2::int[]) AS h (id, epoch) ON o.id = h.id
  WHERE o.lease_epoch = h.epoch AND o.state = 'pending' AND o.lease_owner IS NOT NULL
    AND EXISTS (SELECT FROM run r JOIN storage s ON s.id = r.storage_id
                WHERE r.id = $4::int AND r.state = 'running' AND r.settings_version = s.settings_version)
  ORDER BY o.id FOR UPDATE OF o
)
UPDATE source_object o SET next_attempt_at = clock_timestamp() + make_interval(secs => $3::float8)
FROM held h WHERE o.id = h.id
RETURNING o.id
