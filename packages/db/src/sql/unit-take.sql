-- Takes one free unit of a run: never leased, given back or expired by the database's clock.
-- $1 run int   $2 owner text   $3 lease seconds float8
-- Returns the unit (number, epoch, kind, cursor, last_key, after, until), the kind of the run and the storage as storage-snapshot
-- does: secrets and the place they belong to in one snapshot. No row: nothing to take (done, leased, canceled, storage changed).
-- A unit whose page statement is in flight is locked and skipped. The first take turns the run from queued to running.
WITH pick AS MATERIALIZED (
  SELECT g.run_id, g.number FROM scan_unit g
  WHERE g.run_id = $1::int AND g.state = 'open' AND (g.lease_until IS NULL OR g.lease_until < statement_timestamp())
    AND EXISTS (SELECT FROM run r JOIN storage s ON s.id = r.storage_id
                WHERE r.id = g.run_id AND r.state IN ('queued', 'running') AND NOT r.cancel_requested
                  AND r.settings_version = s.settings_version)
  ORDER BY g.number FOR UPDATE OF g SKIP LOCKED LIMIT 1
), taken AS (
  UPDATE scan_unit g
  SET lease_owner = $2::text, lease_until = clock_timestamp() + make_interval(secs => $3::float8),
      lease_epoch = g.lease_epoch + 1
  FROM pick WHERE g.run_id = pick.run_id AND g.number = pick.number
  RETURNING g.run_id, g.number, g.lease_epoch, g.kind, g.cursor, g.last_key, g.after, g.until
), started AS (
  UPDATE run r SET state = 'running', started_at = coalesce(r.started_at, clock_timestamp()), heartbeat_at = clock_timestamp()
  FROM taken t WHERE r.id = t.run_id AND r.state = 'queued'
)
SELECT t.number, t.lease_epoch AS epoch, t.kind, t.cursor, t.last_key, t.after, t.until, r.kind AS run_kind,
       s.id AS storage_id, s.project_id, s.provider, s.settings, s.secrets, s.title, s.prefix, s.regex_filter, s.use_blob_urls,
       s.recursive_scan, s.settings_version, s.location_version
FROM taken t JOIN run r ON r.id = t.run_id JOIN storage s ON s.id = r.storage_id
