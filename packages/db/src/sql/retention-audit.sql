-- Drops audit events that are old, the oldest first; scope maintenance. $1 days int  $2 rows at most int
-- Returns dropped int.
WITH old AS MATERIALIZED (
  SELECT a.id FROM audit_event a WHERE a.created_at < now() - make_interval(days => $1::int) ORDER BY a.created_at LIMIT $2::int
), gone AS (
  DELETE FROM audit_event a USING old o WHERE a.id = o.id RETURNING 1
)
SELECT count(*)::int AS dropped FROM gone
