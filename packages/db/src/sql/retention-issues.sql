-- Drops issues that were solved long ago, the oldest first; scope maintenance. $1 days int  $2 rows at most int
-- Returns dropped int. An open issue stays, however old it is.
WITH old AS MATERIALIZED (
  SELECT i.id FROM issue i WHERE i.resolved_at < now() - make_interval(days => $1::int) ORDER BY i.resolved_at LIMIT $2::int
), gone AS (
  DELETE FROM issue i USING old o WHERE i.id = o.id AND i.resolved_at IS NOT NULL RETURNING 1
)
SELECT count(*)::int AS dropped FROM gone
