-- Drops old places of targets that no delete waits for any more, with their secrets; scope maintenance. $1 days after which a
-- place that does not answer is given up int. Returns dropped int. Deletes that are given up end; their objects stay.
WITH stale AS MATERIALIZED (
  SELECT p.target_id, p.location_version FROM target_place p WHERE p.retired_at < now() - make_interval(days => $1::int)
), ended AS (
  UPDATE delivery d
  SET state = 'ended', due_at = NULL, settle_at = NULL, old_place = NULL, lease_owner = NULL, lease_epoch = d.lease_epoch + 1
  FROM stale s WHERE d.target_id = s.target_id AND d.old_place = s.location_version
), dropped AS (
  DELETE FROM target_place p
  WHERE (p.target_id, p.location_version) IN (SELECT s.target_id, s.location_version FROM stale s)
     OR NOT EXISTS (SELECT FROM delivery d WHERE d.target_id = p.target_id AND d.old_place = p.location_version OFFSET 0)
  RETURNING 1
)
SELECT count(*)::int AS dropped FROM dropped
