-- Raises the versions of a storage whose columns were just changed, ends its active run as canceled (settings_changed) and leaves a
-- waiting one of its kind; claimed objects are given back. After storage-lock, before run-promote, in one transaction.
-- $1 storage int  $2 the location changed boolean  $3 the location, the filter or the method changed boolean
-- $4 the method became files boolean
-- Returns settings_version, location_version, ended_run int or NULL; no row: no such storage.
-- From its commit on every write under an older lease is refused: all of them compare the run's settings_version with the
-- storage's. A statement that is in flight counts as before the change and keeps the location_version it read.
-- $3: objects that were never loaded are dropped, since the next listing finds those that match again; open issues are
-- resolved, and what failed in part is read again once it is listed. $4: half-loaded objects are done as they are. Objects of a
-- batch that is being written at this moment are passed by.
WITH changed AS (
  UPDATE storage s
  SET settings_version = s.settings_version + 1, updated_at = now(),
      location_version = CASE WHEN $2::boolean THEN s.settings_version + 1 ELSE s.location_version END
  WHERE s.id = $1::int AND s.deleted_at IS NULL
  RETURNING s.id, s.organization_id, s.settings_version, s.location_version
), ended AS (
  UPDATE run r
  SET state = 'canceled', error_code = 'canceled', error_reason = 'settings_changed', finished_at = clock_timestamp(),
      error_message = 'the settings of the storage changed while the run worked',
      seen = t.seen + CASE r.kind WHEN 'reconcile' THEN r.compared ELSE r.marked END, created = t.created, known = t.known, skipped = t.skipped, tasks = t.tasks + t.rows, tasks_existed = t.existed,
      failed = (SELECT count(*) FROM issue i WHERE i.run_id = r.id AND i.resolved_at IS NULL)
  FROM changed c, LATERAL (
    SELECT coalesce(sum(g.seen), 0) AS seen, coalesce(sum(g.created), 0) AS created, coalesce(sum(g.known), 0) AS known,
           coalesce(sum(g.skipped), 0) AS skipped, coalesce(sum(g.tasks), 0) AS tasks, coalesce(sum(g.existed), 0) AS existed,
           (SELECT coalesce(sum(x.rows), 0) FROM run_slot x JOIN run a ON a.id = x.run_id
            WHERE a.storage_id = c.id AND a.state IN ('queued', 'running')) AS rows
    FROM scan_unit g JOIN run a ON a.id = g.run_id WHERE a.storage_id = c.id AND a.state IN ('queued', 'running')) t
  WHERE r.storage_id = c.id AND r.state IN ('queued', 'running')
  RETURNING r.id, r.kind, r.actor_id, r.options, r.cancel_requested
), next AS (
  INSERT INTO run AS r (organization_id, storage_id, number, kind, trigger, actor_id, options, settings_version)
  SELECT c.organization_id, c.id, 1 + (SELECT max(x.number) FROM run x WHERE x.storage_id = c.id), e.kind, 'settings_changed',
         e.actor_id, e.options, c.settings_version
  FROM changed c CROSS JOIN ended e WHERE NOT e.cancel_requested
  ON CONFLICT (storage_id, kind) WHERE state = 'waiting' DO NOTHING
), waiting AS MATERIALIZED (
  SELECT o.id, o.live_tasks, o.lease_owner FROM changed c JOIN source_object o ON o.storage_id = c.id
  WHERE o.state = 'pending' AND ($3::boolean OR o.lease_owner IS NOT NULL) FOR UPDATE OF o SKIP LOCKED
), broken AS MATERIALIZED (
  SELECT o.id, o.live_tasks FROM changed c JOIN source_object o ON o.storage_id = c.id
  WHERE $3::boolean AND o.state = 'failed' FOR UPDATE OF o SKIP LOCKED
), dropped AS (
  DELETE FROM source_object o
  USING (SELECT w.id FROM waiting w WHERE $3::boolean AND w.live_tasks = 0 UNION ALL SELECT x.id FROM broken x WHERE x.live_tasks = 0) u
  WHERE o.id = u.id
), again AS (
  UPDATE source_object o
  SET content_failed = false, attempt_run_id = NULL, state = CASE WHEN $4::boolean THEN 'done' ELSE o.state END,
      lease_owner = NULL, lease_epoch = o.lease_epoch + 1, next_attempt_at = NULL
  FROM (SELECT x.id FROM broken x WHERE x.live_tasks > 0
        UNION ALL SELECT w.id FROM waiting w WHERE $4::boolean AND w.live_tasks > 0) p
  WHERE o.id = p.id
), released AS (
  UPDATE source_object o
  SET lease_owner = NULL, lease_epoch = o.lease_epoch + 1, attempts = greatest(o.attempts - 1, 0), next_attempt_at = statement_timestamp()
  FROM waiting w
  WHERE w.lease_owner IS NOT NULL AND NOT ($3::boolean AND w.live_tasks = 0) AND NOT $4::boolean AND o.id = w.id
), solved AS (
  UPDATE issue i SET resolved_at = now() FROM changed c WHERE $3::boolean AND i.storage_id = c.id AND i.resolved_at IS NULL
)
SELECT c.settings_version, c.location_version, (SELECT e.id FROM ended e) AS ended_run FROM changed c
