-- Page insert, tasks method: unknown keys become pending objects; failed ones and those whose tasks were all deleted are
-- re-armed, each once per run. An object that fails by the listing alone is failed at once, with its issue.
-- $1 run int   $2 unit number int   $3 lease epoch int
-- $4 keys text[] sorted by UTF-8 bytes, unique   $5 sizes bigint[]   $6 etags text[]   $7 modified float8[] (ms since the epoch)
-- $8 failure codes text[]   $9 failure messages text[]   (same length as $4; NULL: may be loaded)
-- $10 cursor text   $11 end of unit boolean   $12 dropped by the filter int   $13 lease seconds float8
-- $14 last key of the listing page text   $15 refused keys text[]   $16 codes text[]   $17 messages text[]
-- Returns one row: created, known, rearmed, cancel. No row: the lease is lost or the storage changed, nothing was written.
-- An object that failed because of its content is not re-armed while its version is unchanged: its open issues count for this
-- run too. Without an etag no version is known to be unchanged.
-- Guarantees and unique violation: as in page-files. An object that is being loaded is never re-armed here.
WITH lease AS MATERIALIZED (
  SELECT g.run_id, g.number, g.organization_id, s.id AS storage_id, s.location_version, r.cancel_requested
  FROM scan_unit g JOIN run r ON r.id = g.run_id JOIN storage s ON s.id = r.storage_id
  WHERE g.run_id = $1::int AND g.number = $2::int AND g.lease_epoch = $3::int AND g.state = 'open'
    AND r.state = 'running' AND r.settings_version = s.settings_version
  FOR UPDATE OF g
), span AS MATERIALIZED (
  -- As in page-files: a page of a new stretch is not looked up key by key.
  SELECT EXISTS (SELECT FROM source_object x
                 WHERE x.storage_id = l.storage_id AND x.location_version = l.location_version
                   AND x.key >= ($4::text[])[1] AND x.key <= ($4::text[])[cardinality($4::text[])]) AS is_known
  FROM lease l
), page AS MATERIALIZED (
  SELECT p.key, p.size, p.etag, p.modified, p.code, p.message, p.n, o.id AS object_id, o.state = 'failed' AS failed,
         CASE WHEN o.attempt_run_id IS DISTINCT FROM l.run_id THEN o.live_tasks ELSE 0 END AS live_tasks,
         o.attempt_run_id IS DISTINCT FROM l.run_id
         AND ((o.state = 'failed' AND (o.content_failed AND o.etag = p.etag) IS NOT TRUE)
              OR (o.state = 'done' AND o.live_tasks = 0 AND o.rows_loaded > 0)) AS rearm
  FROM lease l CROSS JOIN span s
  CROSS JOIN LATERAL unnest($4::text[], $5::bigint[], $6::text[], $7::float8[], $8::text[], $9::text[]) WITH ORDINALITY
    AS p (key, size, etag, modified, code, message, n)
  LEFT JOIN LATERAL (SELECT x.id, x.state, x.etag, x.content_failed, x.live_tasks, x.rows_loaded, x.attempt_run_id FROM source_object x
                     WHERE s.is_known AND x.storage_id = l.storage_id AND x.location_version = l.location_version
                       AND x.key = p.key OFFSET 0) o ON true
), object AS (
  INSERT INTO source_object (organization_id, storage_id, location_version, key, size, etag, modified_at, state, content_failed, next_attempt_at, attempt_run_id)
  SELECT l.organization_id, l.storage_id, l.location_version, p.key, p.size, p.etag, to_timestamp(p.modified / 1000),
         CASE WHEN p.code IS NULL THEN 'pending' ELSE 'failed' END, p.code IS NOT NULL,
         CASE WHEN p.code IS NULL THEN statement_timestamp() END, l.run_id
  FROM lease l CROSS JOIN page p
  WHERE p.object_id IS NULL
  ORDER BY p.n
  RETURNING key, state
), rearmed AS (
  UPDATE source_object o
  SET state = CASE WHEN p.code IS NULL THEN 'pending' ELSE 'failed' END, content_failed = p.code IS NOT NULL,
      next_attempt_at = CASE WHEN p.code IS NULL THEN statement_timestamp() END,
      attempts = 0, rows_loaded = 0, byte_offset = NULL, attempt_run_id = l.run_id, size = p.size, etag = p.etag,
      modified_at = to_timestamp(p.modified / 1000)
  FROM lease l CROSS JOIN page p
  WHERE o.id = p.object_id AND p.rearm AND o.state IN ('failed', 'done')
  RETURNING o.key, o.state
), refused AS MATERIALIZED (
  SELECT DISTINCT ON (x.key) x.key, x.code, x.message
  FROM lease l CROSS JOIN LATERAL unnest($15::text[], $16::text[], $17::text[]) AS x (key, code, message)
  ORDER BY x.key
), noted AS (
  INSERT INTO issue AS i (organization_id, storage_id, run_id, key, code, message)
  SELECT l.organization_id, l.storage_id, l.run_id, x.key, x.code, x.message
  FROM lease l CROSS JOIN (
    SELECT key, code, message FROM refused
    UNION ALL
    SELECT p.key, p.code, p.message FROM page p
    WHERE p.code IS NOT NULL AND p.key IN (SELECT key FROM object UNION ALL SELECT key FROM rearmed)
  ) x
  ORDER BY x.key
  ON CONFLICT (storage_id, key, row_index) WHERE resolved_at IS NULL
  DO UPDATE SET run_id = excluded.run_id, last_seen_at = now(), code = excluded.code, message = excluded.message
), still AS (
  UPDATE issue i SET run_id = l.run_id, last_seen_at = now()
  FROM lease l CROSS JOIN (SELECT key FROM page WHERE failed AND NOT rearm) p CROSS JOIN LATERAL (
    SELECT x.id FROM issue x WHERE x.storage_id = l.storage_id AND x.key = p.key AND x.resolved_at IS NULL OFFSET 0) x
  WHERE i.id = x.id AND i.run_id <> l.run_id
), made AS MATERIALIZED (
  SELECT (SELECT count(*) FROM page) AS n, (SELECT coalesce(sum(live_tasks), 0) FROM page) AS existed,
         (SELECT count(*) FROM object) AS created, (SELECT count(*) FROM rearmed) AS rearmed,
         (SELECT count(*) FROM (SELECT state FROM object UNION ALL SELECT state FROM rearmed) x WHERE x.state = 'pending') AS pending,
         (SELECT count(*) FROM (SELECT state FROM object UNION ALL SELECT state FROM rearmed) x WHERE x.state = 'failed') AS failed
), moved AS (
  UPDATE scan_unit g
  SET cursor = $10::text, last_key = coalesce($14::text, g.last_key), state = CASE WHEN $11::boolean THEN 'done' ELSE 'open' END,
      lease_until = clock_timestamp() + make_interval(secs => $13::float8),
      pages = g.pages + 1, seen = g.seen + m.n + cardinality($15::text[]), created = g.created + m.created,
      known = g.known + m.n - m.created, rearmed = g.rearmed + m.rearmed, pending = g.pending + m.pending,
      existed = g.existed + m.existed, skipped = g.skipped + $12::int, failed = g.failed + m.failed + cardinality($15::text[])
  FROM lease l CROSS JOIN made m
  WHERE g.run_id = l.run_id AND g.number = l.number
)
SELECT m.created::int, (m.n - m.created)::int AS known, m.rearmed::int, l.cancel_requested AS cancel
FROM lease l CROSS JOIN made m
