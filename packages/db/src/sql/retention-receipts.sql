-- Forgets what batches of events were answered; scope maintenance. $1 days int  $2 rows at most int
-- Returns dropped int. A batch that is repeated later still is applied again, which changes nothing: its versions are not newer.
WITH old AS MATERIALIZED (
  SELECT r.project_id, r.idempotency_key FROM event_receipt r
  WHERE r.created_at < now() - make_interval(days => $1::int) ORDER BY r.created_at LIMIT $2::int
), gone AS (
  DELETE FROM event_receipt r USING old o
  WHERE r.project_id = o.project_id AND r.idempotency_key = o.idempotency_key RETURNING 1
)
SELECT count(*)::int AS dropped FROM gone
