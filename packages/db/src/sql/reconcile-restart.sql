-- The token of a comparison's listing has expired: the listing begins anew, marks and findings are dropped by the caller. $1 run int
-- Returns ok; no row: the run is over or canceled.
UPDATE run
SET compare_page = 0, compare_cursor = NULL, compare_listed = false, compared = 0, heartbeat_at = clock_timestamp()
WHERE id = $1::int AND kind = 'reconcile' AND state = 'running' AND NOT cancel_requested AND NOT marking_done
RETURNING true AS ok
