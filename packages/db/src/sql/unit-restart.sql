-- Starts a unit afresh: its cursor has expired and the store cannot list after a key. What it created stays; its other counts
-- begin anew, and known starts below zero by what it created, since the listing will meet those keys again as known ones.
-- $1 run int  $2 number int  $3 epoch int. Returns ok; no row: the lease is lost. Findings of a dry run are dropped.
WITH unit AS MATERIALIZED (
  SELECT g.run_id, g.number, r.kind FROM scan_unit g JOIN run r ON r.id = g.run_id
  WHERE g.run_id = $1::int AND g.number = $2::int AND g.lease_epoch = $3::int AND g.state = 'open' AND r.state = 'running'
  FOR UPDATE OF g
), dropped AS (
  DELETE FROM dry_run_finding f USING unit u WHERE u.kind = 'dry_run' AND f.run_id = u.run_id
)
UPDATE scan_unit g
SET cursor = NULL, last_key = NULL, seen = 0, existed = 0, skipped = 0, failed = 0,
    created = CASE WHEN u.kind = 'dry_run' THEN 0 ELSE g.created END, known = CASE WHEN u.kind = 'dry_run' THEN 0 ELSE -g.created END
FROM unit u WHERE g.run_id = u.run_id AND g.number = u.number
RETURNING true AS ok
