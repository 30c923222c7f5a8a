-- Tasks as exports show them. $1 task ids bigint[] or NULL  $2 annotation ids bigint[] or NULL (the tasks of these)  $3 drafts and
-- predictions are wanted boolean. JSON as text. Read before the annotations: what is newer there raises the revision and comes again.
-- One array: two conditions with OR, or COALESCE (which the policies hold to be leaky), read every task of the organisation (8 ms of
-- 12,000).
SELECT t.id, t.external_id, t.export_revision, t.project_id, t.inner_id, t.data::text AS data, t.meta::text AS meta, o.key AS source_key,
       p.data_key, t.overlap, t.is_labeled, t.allow_skip, t.total_annotations, t.cancelled_annotations, t.total_predictions,
       t.updated_by_id, t.created_at, t.updated_at, t.upload_id, (SELECT f.name FROM upload f WHERE f.id = t.upload_id) AS upload_name,
       CASE WHEN $3::boolean THEN ARRAY(SELECT d.id FROM draft d WHERE d.task_id = t.id ORDER BY d.id) ELSE '{}' END AS draft_ids,
       CASE WHEN $3::boolean THEN ARRAY(SELECT r.id FROM prediction r WHERE r.task_id = t.id ORDER BY r.id) ELSE '{}' END AS prediction_ids
FROM task t JOIN project p ON p.id = t.project_id LEFT JOIN source_object o ON o.id = t.source_object_id
WHERE t.id = ANY (CASE WHEN $1::bigint[] IS NULL THEN ARRAY(SELECT a.task_id FROM annotation a WHERE a.id = ANY ($2::bigint[])) ELSE $1::bigint[] END)
