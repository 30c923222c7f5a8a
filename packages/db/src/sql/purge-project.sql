-- One chunk of the tasks of a deleted project with everything on them, scope maintenance. $1 project int (deleted)  $2 tasks at most int
-- Returns purged int. The project's storages were deleted with it, so no wish is written: removing a project touches nothing in
-- a bucket. 0: nothing is left, the storages and the project row may go.
WITH doomed AS MATERIALIZED (
  SELECT t.id FROM task t JOIN project p ON p.id = t.project_id AND p.deleted_at IS NOT NULL
  WHERE t.project_id = $1::int ORDER BY t.id LIMIT $2::int FOR UPDATE OF t
), draft_gone AS (
  DELETE FROM draft d USING doomed x WHERE d.task_id = x.id RETURNING 1
), annotation_gone AS (
  DELETE FROM annotation a USING doomed x WHERE a.task_id = x.id RETURNING 1
), gone AS (
  DELETE FROM task t USING doomed x
  WHERE t.id = x.id AND (SELECT count(*) FROM annotation_gone) >= 0 AND (SELECT count(*) FROM draft_gone) >= 0 RETURNING 1
)
SELECT count(*)::int AS purged FROM gone
