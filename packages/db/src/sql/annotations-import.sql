-- Annotations that came inside task documents. The tasks are new in this transaction and already count them; nothing is wished
-- for delivery: "sync" of a target exports them. $1 run int or NULL (its actor becomes updated_by)  $2 task ids bigint[]
-- $3 results text[] (JSON)  $4 was_cancelled boolean[]  $5 ground_truth boolean[]  $6 lead_time float8[]  $7 import_id bigint[]
-- $8 completed_by user ids int[]  $9 completed_by e-mail addresses text[]   (columns of equal length)
-- completed_by: a member of the organisation by id or e-mail, else the creator of the project. Returns inserted.
WITH given AS MATERIALIZED (
  SELECT g.*, t.organization_id, t.project_id, p.created_by_id
  FROM unnest($2::bigint[], $3::text[], $4::boolean[], $5::boolean[], $6::float8[], $7::bigint[], $8::int[], $9::text[]) WITH ORDINALITY
       AS g (task_id, result, was_cancelled, ground_truth, lead_time, import_id, user_id, email, n)
  JOIN task t ON t.id = g.task_id JOIN project p ON p.id = t.project_id
), new_annotation AS (
  INSERT INTO annotation (organization_id, project_id, task_id, result, was_cancelled, ground_truth, lead_time, import_id, completed_by_id,
                          updated_by_id, last_action)
  SELECT g.organization_id, g.project_id, g.task_id, g.result::jsonb, g.was_cancelled, g.ground_truth, g.lead_time, g.import_id,
         coalesce((SELECT m.user_id FROM membership m WHERE m.organization_id = g.organization_id AND m.user_id = g.user_id),
                  (SELECT m.user_id FROM "user" u JOIN membership m ON m.user_id = u.id AND m.organization_id = g.organization_id
                   WHERE u.email IN (g.email, lower(g.email)) ORDER BY u.id LIMIT 1),
                  g.created_by_id),
         (SELECT r.actor_id FROM run r WHERE r.id = $1::int), 'imported'
  FROM given g ORDER BY g.n
  RETURNING 1
)
SELECT count(*)::int AS inserted FROM new_annotation
