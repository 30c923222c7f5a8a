-- Shows that a worker lives; nothing is decided by it. $1 run int.
UPDATE run SET heartbeat_at = clock_timestamp() WHERE id = $1::int AND state = 'running'
