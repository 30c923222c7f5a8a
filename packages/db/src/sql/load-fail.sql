-- An object that could not be loaded. $1 run int  $2 object bigint  $3 epoch int  $4 code text  $5 message text
-- $6 retry after seconds float8 or NULL  $7 etag of the version that was read text or NULL  $8 the failure lies in the content boolean
-- $9 byte offset bigint or NULL
-- $6 NULL = give up: state failed and one open issue. Returns ok; no row: the lease is lost or the storage changed.
WITH object AS MATERIALIZED (
  SELECT o.id, o.organization_id, o.storage_id, o.key
  FROM source_object o JOIN storage s ON s.id = o.storage_id JOIN run r ON r.id = $1::int AND r.storage_id = o.storage_id
  WHERE o.id = $2::bigint AND o.lease_epoch = $3::int AND o.state = 'pending' AND o.lease_owner IS NOT NULL
    AND r.state = 'running' AND r.settings_version = s.settings_version
  FOR UPDATE OF o
), noted AS (
  INSERT INTO issue AS i (organization_id, storage_id, run_id, key, code, message, byte_offset)
  SELECT o.organization_id, o.storage_id, $1::int, o.key, $4::text, $5::text, $9::bigint FROM object o WHERE $6::float8 IS NULL
  ON CONFLICT (storage_id, key, row_index) WHERE resolved_at IS NULL
  DO UPDATE SET run_id = excluded.run_id, last_seen_at = now(), code = excluded.code, message = excluded.message,
    byte_offset = excluded.byte_offset
), counted AS (
  INSERT INTO run_slot AS c (organization_id, run_id, slot, objects)
  SELECT o.organization_id, $1::int, (o.id % 16)::smallint, 1 FROM object o WHERE $6::float8 IS NULL
  ON CONFLICT (run_id, slot) DO UPDATE SET objects = c.objects + 1
), ended AS (
  UPDATE source_object o
  SET state = CASE WHEN $6::float8 IS NULL THEN 'failed' ELSE 'pending' END, lease_owner = NULL, lease_epoch = o.lease_epoch + 1,
      content_failed = $6::float8 IS NULL AND $8::boolean,
      etag = CASE WHEN $6::float8 IS NULL AND $8::boolean THEN coalesce($7::text, o.etag) ELSE o.etag END,
      next_attempt_at = clock_timestamp() + make_interval(secs => $6::float8)
  FROM object h WHERE o.id = h.id
)
SELECT true AS ok FROM object
