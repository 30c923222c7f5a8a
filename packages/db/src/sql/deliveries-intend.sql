-- Writes down where puts will go, before they go: a delete finds the object whatever dies in between. $1 target int
-- $2 settings_version that the claim saw int  $3 its location_version int  $4 subject types text[]  $5 subject ids bigint[]
-- $6 epochs int[]  $7 object keys text[]
-- Returns subject_id of those that are still held. When the target's settings have changed none is: nothing is put by old ones, and
-- what was claimed is given back at once.
WITH target AS MATERIALIZED (
  SELECT s.settings_version = $2::int AND s.deleted_at IS NULL AS is_current FROM storage s WHERE s.id = $1::int
), held AS MATERIALIZED (
  SELECT g.subject_type, g.subject_id, g.object_key
  FROM unnest($4::text[], $5::bigint[], $6::int[], $7::text[]) AS g (subject_type, subject_id, epoch, object_key)
  JOIN delivery d ON d.target_id = $1::int AND d.subject_type = g.subject_type AND d.subject_id = g.subject_id
  WHERE d.lease_epoch = g.epoch AND d.lease_owner IS NOT NULL AND d.state <> 'ended'
  ORDER BY d.subject_type, d.subject_id FOR NO KEY UPDATE OF d
), written AS (
  UPDATE delivery d
  SET object_key = CASE WHEN t.is_current THEN h.object_key ELSE d.object_key END,
      place_version = CASE WHEN t.is_current THEN $3::int ELSE d.place_version END,
      due_at = CASE WHEN t.is_current THEN d.due_at ELSE statement_timestamp() END,
      lease_owner = CASE WHEN t.is_current THEN d.lease_owner END,
      lease_epoch = d.lease_epoch + CASE WHEN t.is_current THEN 0 ELSE 1 END,
      attempts = CASE WHEN t.is_current THEN d.attempts ELSE greatest(d.attempts - 1, 0) END
  FROM held h CROSS JOIN target t
  WHERE d.target_id = $1::int AND d.subject_type = h.subject_type AND d.subject_id = h.subject_id
  RETURNING d.subject_id, t.is_current
)
SELECT w.subject_id FROM written w WHERE w.is_current
