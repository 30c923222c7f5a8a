-- First statement before tasks are deleted (by a person, replacing, a policy). $1 task ids bigint[] or NULL  $2 object bigint or
-- NULL (all its tasks)  $3 project int or NULL: only tasks of this project. Returns their ids.
-- A save that is under way is waited for, and the deletion, a later statement, sees its annotation.
SELECT id FROM task
WHERE (id = ANY ($1::bigint[]) OR source_object_id = $2::bigint) AND ($3::int IS NULL OR project_id = $3::int)
ORDER BY id FOR UPDATE
