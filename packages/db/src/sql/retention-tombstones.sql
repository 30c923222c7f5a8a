-- Forgets tombstones of annotations; scope maintenance. $1 days int  $2 rows at most int
-- Returns dropped int. An event that is later still brings back what it names.
WITH old AS MATERIALIZED (
  SELECT t.project_id, t.external_id FROM annotation_tombstone t
  WHERE t.deleted_at < now() - make_interval(days => $1::int) ORDER BY t.deleted_at LIMIT $2::int FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM annotation_tombstone t USING old o
  WHERE t.project_id = o.project_id AND t.external_id = o.external_id RETURNING 1
)
SELECT count(*)::int AS dropped FROM gone
