-- One page of a project's tasks with storage_filename, ascending by id. $1 project int  $2 limit int  $3 offset int
-- The offset runs over the index alone; rows and keys are fetched for the page only.
SELECT t.id, t.inner_id, t.data, t.meta, t.created_at, t.updated_at, t.updated_by_id, t.is_labeled, t.overlap, t.allow_skip,
       t.total_annotations, t.cancelled_annotations, t.total_predictions, o.storage_id, o.key AS storage_filename
FROM (SELECT id FROM task WHERE project_id = $1::int ORDER BY id LIMIT $2::int OFFSET $3::int) p
JOIN task t ON t.id = p.id
LEFT JOIN source_object o ON o.id = t.source_object_id
ORDER BY t.id
