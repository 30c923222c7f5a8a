-- How far a run is. $1 run int. Returns one row (numbers as float8, exact to 2^53) or none. While the run is active they are sums
-- over units and slots, afterwards the totals. pending is what was handed over to be loaded minus what came to an end.
SELECT r.state,
       CASE WHEN r.state NOT IN ('queued', 'running') THEN CASE r.state WHEN 'waiting' THEN 'waiting' ELSE 'final' END
            WHEN r.state = 'queued' THEN 'queued'
            WHEN EXISTS (SELECT FROM scan_unit g WHERE g.run_id = r.id AND g.state <> 'done') THEN 'listing'
            ELSE 'loading' END AS phase,
       coalesce(r.seen, g.seen)::float8 AS listed, coalesce(r.created, g.created)::float8 AS created,
       coalesce(r.known, greatest(g.known, 0))::float8 AS known, coalesce(r.skipped, g.skipped)::float8 AS skipped,
       coalesce(r.failed, CASE WHEN r.kind = 'dry_run' THEN g.failed ELSE (
         SELECT count(*) FROM issue i WHERE i.run_id = r.id AND i.resolved_at IS NULL) END)::float8 AS failed,
       CASE WHEN r.state IN ('queued', 'running') THEN greatest(r.pending_before + g.pending - c.objects, 0) ELSE 0 END::float8 AS pending,
       coalesce(r.tasks, g.tasks + c.rows)::float8 AS tasks, r.started_at, r.finished_at
FROM run r
CROSS JOIN LATERAL (
  SELECT coalesce(sum(x.seen), 0) AS seen, coalesce(sum(x.created), 0) AS created, coalesce(sum(x.known), 0) AS known,
         coalesce(sum(x.skipped), 0) AS skipped, coalesce(sum(x.failed), 0) AS failed, coalesce(sum(x.pending), 0) AS pending,
         coalesce(sum(x.tasks), 0) AS tasks
  FROM scan_unit x WHERE x.run_id = r.id) g
CROSS JOIN LATERAL (
  SELECT coalesce(sum(x.objects), 0) AS objects, coalesce(sum(x.rows), 0) AS rows FROM run_slot x WHERE x.run_id = r.id) c
WHERE r.id = $1::int
