-- Drops old places of targets that no delete waits for any more, with their secrets; scope maintenance. $1 days after which a
-- place that does not answer is given up int  $2 deletes to give up at most int. Returns dropped int (places and deletes). Deletes
-- that are given up end, their objects stay; their place goes with the last of them, in a later call when they are many.
WITH stale AS MATERIALIZED (
  SELECT p.target_id, p.location_version FROM target_place p WHERE p.retired_at < now() - make_interval(days => $1::int)
), doomed AS MATERIALIZED (
  SELECT d.target_id, d.subject_type, d.subject_id, d.old_place FROM stale s
  JOIN delivery d ON d.target_id = s.target_id AND d.old_place = s.location_version
  ORDER BY d.target_id, d.subject_type, d.subject_id LIMIT $2::int FOR UPDATE OF d
), ended AS (
  UPDATE delivery d
  SET state = 'ended', due_at = NULL, settle_at = NULL, old_place = NULL, lease_owner = NULL, lease_epoch = d.lease_epoch + 1
  FROM doomed x WHERE d.target_id = x.target_id AND d.subject_type = x.subject_type AND d.subject_id = x.subject_id
  RETURNING 1
), dropped AS (
  DELETE FROM target_place p
  WHERE NOT EXISTS (
    SELECT FROM delivery d WHERE d.target_id = p.target_id AND d.old_place = p.location_version
      AND (d.target_id, d.subject_type, d.subject_id) NOT IN (SELECT x.target_id, x.subject_type, x.subject_id FROM doomed x) OFFSET 0)
  RETURNING 1
)
SELECT ((SELECT count(*) FROM dropped) + (SELECT count(*) FROM ended))::int AS dropped
