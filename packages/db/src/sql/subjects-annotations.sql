-- Annotations as exports show them, with the people that completed them. $1 annotation ids bigint[] or NULL  $2 task ids bigint[] or
-- NULL (every annotation of these tasks). Ascending by id. JSON as text, so that no number loses digits on its way.
SELECT a.id, a.external_id, a.revision, a.task_id, a.project_id, a.result::text AS result, a.prediction::text AS prediction,
       a.updated_by_id, a.last_created_by_id, a.was_cancelled, a.ground_truth, a.bulk_created, a.unique_id, a.last_action, a.lead_time,
       a.import_id, a.parent_prediction_id, a.parent_annotation_id, a.created_at, a.updated_at, a.draft_created_at,
       a.completed_by_id, u.email, u.first_name, u.last_name
FROM annotation a LEFT JOIN "user" u ON u.id = a.completed_by_id
WHERE a.id = ANY ($1::bigint[]) OR a.task_id = ANY ($2::bigint[])
ORDER BY a.id
