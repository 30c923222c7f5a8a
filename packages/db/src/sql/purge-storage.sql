-- One chunk of what belongs to deleted storages, scope maintenance. $1 storage int (deleted)  $2 rows at most int
-- Returns purged int. Tasks and annotations stay, without the key they came from; the bucket is not touched. 0: nothing is left,
-- the storage row itself may go.
WITH object AS MATERIALIZED (
  SELECT o.id FROM source_object o JOIN storage s ON s.id = o.storage_id AND s.deleted_at IS NOT NULL
  WHERE o.storage_id = $1::int LIMIT $2::int FOR UPDATE OF o
), freed AS (
  UPDATE task t SET source_object_id = NULL FROM object o WHERE t.source_object_id = o.id
), gone AS (
  DELETE FROM source_object o USING object x WHERE o.id = x.id RETURNING 1
), issue_gone AS (
  DELETE FROM issue i WHERE i.id IN (SELECT x.id FROM issue x JOIN storage s ON s.id = x.storage_id AND s.deleted_at IS NOT NULL
                                     WHERE x.storage_id = $1::int LIMIT $2::int) RETURNING 1
), delivery_gone AS (
  DELETE FROM delivery d USING storage s
  WHERE s.id = $1::int AND s.deleted_at IS NOT NULL AND d.target_id = s.id
    AND (d.subject_type, d.subject_id) IN (SELECT x.subject_type, x.subject_id FROM delivery x WHERE x.target_id = $1::int LIMIT $2::int)
  RETURNING 1
)
SELECT ((SELECT count(*) FROM gone) + (SELECT count(*) FROM issue_gone) + (SELECT count(*) FROM delivery_gone))::int AS purged
