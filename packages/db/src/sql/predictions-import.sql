-- Predictions that came inside task documents; the tasks already count them. $1 task ids bigint[]  $2 results text[] (JSON)
-- $3 scores float8[]  $4 model versions text[]   (columns of equal length). Returns inserted.
WITH new_prediction AS (
  INSERT INTO prediction (organization_id, project_id, task_id, result, score, model_version)
  SELECT t.organization_id, t.project_id, t.id, g.result::jsonb, g.score, g.model_version
  FROM unnest($1::bigint[], $2::text[], $3::float8[], $4::text[]) WITH ORDINALITY AS g (task_id, result, score, model_version, n)
  JOIN task t ON t.id = g.task_id
  ORDER BY g.n
  RETURNING 1
)
SELECT count(*)::int AS inserted FROM new_prediction
