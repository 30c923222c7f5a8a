-- Renews a unit's lease. $1 run int  $2 number int  $3 epoch int  $4 lease seconds float8.
-- Returns cancel; no row: lost, or the storage changed. Renewing an expired lease that nobody took is allowed (same epoch).
UPDATE scan_unit g SET lease_until = clock_timestamp() + make_interval(secs => $4::float8)
FROM run r JOIN storage s ON s.id = r.storage_id
WHERE g.run_id = $1::int AND g.number = $2::int AND g.lease_epoch = $3::int AND g.state = 'open' AND r.id = g.run_id
  AND r.state = 'running' AND r.settings_version = s.settings_version
RETURNING r.cancel_requested AS cancel
