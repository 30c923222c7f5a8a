-- Ends a run of a target when its own cohort has settled: delivered, superseded or ended. Exactly one caller gets a row. After
-- export-run-lock (or run-storage-lock), in its transaction. $1 run int  $2 seconds of outage float8  $3 attempts after which a
-- delivery counts as failed int  $4 code text or NULL  $5 reason text  $6 message text: with a code the run ends as failed whatever it did
-- Returns state; no row: not finished yet, or somebody else ended it.
-- completed: all of the cohort was written. What is left has failed: completed_with_errors, or failed when nothing was written or the
-- target answers nobody since $2; it stays due. A comparison only reads until its marking is done: whether pushes get through says
-- nothing about it. A canceled run ends when nothing of it is held and no mark is left to take back.
WITH due AS MATERIALIZED (
  SELECT r.id, r.storage_id, r.kind, r.compared, r.marked, r.marking_done, r.cancel_requested, s.breaker_error, s.breaker_error_code,
         coalesce(greatest(s.breaker_since, r.started_at) + make_interval(secs => $2::float8) <= statement_timestamp(), false)
           AND s.breaker_since IS NOT NULL AS is_outage
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.id = $1::int AND r.state IN ('queued', 'running') AND s.direction = 'target' FOR NO KEY UPDATE OF r
), rest AS MATERIALIZED (
  SELECT count(*) AS n, count(*) FILTER (WHERE d.lease_owner IS NOT NULL AND d.due_at > statement_timestamp()) AS held,
         count(*) FILTER (WHERE d.marked_only AND d.lease_owner IS NULL) AS marks,
         count(*) FILTER (WHERE NOT (d.lease_owner IS NULL AND d.last_error_code IS NOT NULL AND d.attempts >= $3::int)) AS hopeful
  FROM delivery d WHERE d.run_id = $1::int
), verdict AS MATERIALIZED (
  SELECT d.*, x.n,
         CASE WHEN $4::text IS NOT NULL THEN 'failed'
              WHEN d.cancel_requested THEN CASE WHEN x.held = 0 AND x.marks = 0 THEN 'canceled' END
              WHEN d.marking_done AND x.n = 0 THEN 'completed'
              WHEN d.marking_done AND x.hopeful = 0 THEN CASE WHEN d.marked > x.n THEN 'completed_with_errors' ELSE 'failed' END
              WHEN d.is_outage AND (d.kind <> 'reconcile' OR d.marking_done) THEN 'failed' END AS state
  FROM due d CROSS JOIN rest x
), first_error AS MATERIALIZED (
  SELECT e.last_error_code AS code, e.last_error AS message FROM verdict v JOIN delivery e ON e.run_id = v.id
  WHERE v.state = 'failed' AND e.last_error_code IS NOT NULL ORDER BY e.subject_id LIMIT 1
)
UPDATE run r
SET state = v.state, finished_at = clock_timestamp(),
    seen = CASE v.kind WHEN 'reconcile' THEN v.compared ELSE v.marked END, created = greatest(v.marked - v.n, 0), known = 0, skipped = 0,
    tasks = greatest(v.marked - v.n, 0), tasks_existed = 0, failed = v.n,
    error_code = CASE v.state WHEN 'canceled' THEN 'canceled'
                 WHEN 'failed' THEN coalesce($4::text, CASE WHEN v.is_outage THEN v.breaker_error_code END, (SELECT f.code FROM first_error f), 'unavailable') END,
    error_reason = CASE v.state WHEN 'failed' THEN $5::text END,
    error_message = CASE v.state WHEN 'canceled' THEN 'the run was canceled'
                    WHEN 'failed' THEN coalesce($6::text, CASE WHEN v.is_outage THEN v.breaker_error END, (SELECT f.message FROM first_error f)) END
FROM verdict v WHERE r.id = v.id AND v.state IS NOT NULL
RETURNING r.state
