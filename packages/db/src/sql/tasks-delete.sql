-- Deletes tasks that nobody annotated and takes them off their object's live_tasks. After tasks-lock; when a person deletes
-- annotated tasks, annotations-delete stands between. $1 task ids bigint[]  $2 tally slot smallint
-- Returns deleted int, kept int (annotated: they stay). An object whose last task goes is listed anew by the next sync.
-- OFFSET 0: looked up per task; a hash of all annotations would be the plan otherwise.
WITH doomed AS (
  DELETE FROM task t WHERE t.id = ANY ($1::bigint[]) AND NOT EXISTS (SELECT FROM annotation a WHERE a.task_id = t.id OFFSET 0)
  RETURNING t.organization_id, t.project_id, t.source_object_id
), per_object AS MATERIALIZED (
  SELECT d.source_object_id AS id, count(*)::int AS n FROM doomed d WHERE d.source_object_id IS NOT NULL GROUP BY 1
), held AS MATERIALIZED (
  SELECT o.id FROM source_object o WHERE o.id IN (SELECT p.id FROM per_object p) ORDER BY o.id FOR NO KEY UPDATE
), fewer AS (
  UPDATE source_object o SET live_tasks = o.live_tasks - p.n FROM per_object p JOIN held h USING (id) WHERE o.id = p.id
), tally AS (
  INSERT INTO project_tally AS t (organization_id, project_id, slot, tasks)
  SELECT d.organization_id, d.project_id, $2::smallint, -count(*) FROM doomed d GROUP BY 1, 2 ORDER BY 2
  ON CONFLICT (project_id, slot) DO UPDATE SET tasks = t.tasks + excluded.tasks
)
SELECT (SELECT count(*)::int FROM doomed) AS deleted, cardinality($1::bigint[]) - (SELECT count(*)::int FROM doomed) AS kept
