-- A claimed object that is gone from the store. $1 run int  $2 object bigint  $3 epoch int.
-- Without tasks it leaves the table; with tasks (some rows were loaded before) it is done and those stay. It has no issue any
-- more. Returns ok; no row: the lease is lost or the storage changed, nothing was written.
WITH object AS MATERIALIZED (
  SELECT o.id, o.organization_id, o.storage_id, o.key, o.live_tasks
  FROM source_object o JOIN storage s ON s.id = o.storage_id JOIN run r ON r.id = $1::int AND r.storage_id = o.storage_id
  WHERE o.id = $2::bigint AND o.lease_epoch = $3::int AND o.state = 'pending' AND o.lease_owner IS NOT NULL
    AND r.state = 'running' AND r.settings_version = s.settings_version
  FOR UPDATE OF o
), gone AS (
  DELETE FROM source_object o USING object h WHERE o.id = h.id AND h.live_tasks = 0
), kept AS (
  UPDATE source_object o
  SET state = 'done', missing_since = now(), content_failed = false, attempts = 0, lease_owner = NULL, lease_epoch = o.lease_epoch + 1,
      next_attempt_at = NULL
  FROM object h WHERE o.id = h.id AND h.live_tasks > 0
), solved AS (
  UPDATE issue i SET resolved_at = now() FROM object h
  WHERE i.storage_id = h.storage_id AND i.key = h.key AND i.resolved_at IS NULL
), counted AS (
  INSERT INTO run_slot AS c (organization_id, run_id, slot, objects, vanished)
  SELECT h.organization_id, $1::int, (h.id % 16)::smallint, 1, 1 FROM object h
  ON CONFLICT (run_id, slot) DO UPDATE SET objects = c.objects + 1, vanished = c.vanished + 1
)
SELECT true AS ok FROM object
