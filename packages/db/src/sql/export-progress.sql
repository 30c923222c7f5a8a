-- How far the cohort of a target's run is. $1 run int. Returns one row (numbers as float8, exact to 2^53) or none.
SELECT CASE WHEN r.state IN ('waiting', 'queued') THEN r.state WHEN r.state <> 'running' THEN 'final'
            WHEN r.marking_done THEN 'pushing' WHEN r.kind = 'reconcile' THEN 'comparing' ELSE 'marking' END AS phase,
       CASE WHEN r.finished_at IS NOT NULL THEN coalesce(r.seen, 0) WHEN r.kind = 'reconcile' AND NOT r.marking_done THEN r.compared ELSE r.marked END::float8 AS total,
       CASE WHEN r.finished_at IS NULL AND r.kind = 'reconcile' AND NOT r.marking_done THEN r.compared
            WHEN r.finished_at IS NULL THEN greatest(r.marked - x.n, 0) ELSE coalesce(r.created, 0) END::float8 AS settled,
       CASE WHEN r.finished_at IS NULL THEN x.failing ELSE coalesce(r.failed, 0) END::float8 AS failing
FROM run r CROSS JOIN LATERAL (
  SELECT count(*) AS n, count(*) FILTER (WHERE d.last_error_code IS NOT NULL) AS failing
  FROM delivery d WHERE d.run_id = r.id AND r.finished_at IS NULL) x
WHERE r.id = $1::int
