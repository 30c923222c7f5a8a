-- Shows that a worker lives; nothing is decided by it but when the sweep rings. $1 run int. A queued run is running from then on.
UPDATE run
SET heartbeat_at = clock_timestamp(), state = 'running', started_at = coalesce(started_at, clock_timestamp())
WHERE id = $1::int AND state IN ('queued', 'running')
