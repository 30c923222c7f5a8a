-- Page insert, files method: one task per unknown key, and a new one for an object that has none (deleted, or never loaded
-- because the method was another one), once per run. The whole effect of one listing page, or nothing.
-- $1 run int            $2 unit number int    $3 lease epoch int
-- $4 keys text[]        sorted by UTF-8 bytes, no duplicates, only keys that pass the filter (may be empty)
-- $5 sizes bigint[]     $6 etags text[]       $7 modified float8[] (ms since the epoch)   (same length as $4)
-- $8 references text[]  task.data = {"$undefined$": reference}   (same length as $4; NULL: $20 || key)
-- $9 inner id base bigint   $10 how many inner ids the caller holds int: the new tasks get $9, $9 + 1 …; when more are needed
--                       nothing is written and fresh says how many
-- $11 cursor text       $12 end of unit boolean       $13 keys of this page that the filter dropped int
-- $14 lease seconds     the page renews the lease too $15 tally slot smallint (any number per process, mod 16)
-- $16 last key of the listing page text   $17 refused keys text[]   $18 codes text[]   $19 messages text[]
-- $20 reference prefix text
-- Returns one row: fresh, written, created, rearmed, known, cancel; created + rearmed inner ids were used. No row: the lease is
-- lost or the storage changed, stop, nothing was written. rearmed < its part of fresh: somebody else did the difference at the
-- same moment (unused inner ids: a gap). A unique violation: a page that was in flight when the settings changed has just made
-- one of the keys; send the page again, which finds it known. (ON CONFLICT costs an eighth of the whole statement.)
-- Guarantees: the unit row is locked before anything is read or written, so a taker waits for this statement and a
-- loser of the lease writes nothing. Repeating a page inserts nothing twice. organization_id and location_version come from
-- the rows of the lease, and only while the run works with the storage's current settings.
WITH lease AS MATERIALIZED (
  SELECT g.run_id, g.number, g.organization_id, s.id AS storage_id, s.location_version, s.project_id, p.maximum_annotations,
         r.cancel_requested
  FROM scan_unit g JOIN run r ON r.id = g.run_id JOIN storage s ON s.id = r.storage_id JOIN project p ON p.id = s.project_id
  WHERE g.run_id = $1::int AND g.number = $2::int AND g.lease_epoch = $3::int AND g.state = 'open'
    AND r.state = 'running' AND r.settings_version = s.settings_version
  FOR UPDATE OF g
), span AS MATERIALIZED (
  -- A page of a new stretch, as all of a first import are, is not looked up key by key: a fifth of the statement.
  SELECT EXISTS (SELECT FROM source_object x
                 WHERE x.storage_id = l.storage_id AND x.location_version = l.location_version
                   AND x.key >= ($4::text[])[1] AND x.key <= ($4::text[])[cardinality($4::text[])]) AS is_known
  FROM lease l
), page AS MATERIALIZED (
  SELECT p.key, p.size, p.etag, p.modified, p.reference, p.n, o.id AS object_id, coalesce(o.again, false) AS again, o.live_tasks
  FROM lease l CROSS JOIN span s
  CROSS JOIN LATERAL unnest($4::text[], $5::bigint[], $6::text[], $7::float8[], $8::text[]) WITH ORDINALITY
    AS p (key, size, etag, modified, reference, n)
  LEFT JOIN LATERAL (SELECT x.id, x.live_tasks = 0 AND x.attempt_run_id IS DISTINCT FROM l.run_id AS again,
                            CASE WHEN x.attempt_run_id IS DISTINCT FROM l.run_id THEN x.live_tasks ELSE 0 END AS live_tasks
                     FROM source_object x
                     WHERE s.is_known AND x.storage_id = l.storage_id AND x.location_version = l.location_version
                       AND x.key = p.key OFFSET 0) o ON true
), fresh AS MATERIALIZED (
  SELECT count(*) AS seen, count(*) FILTER (WHERE object_id IS NULL OR again) AS n,
         count(*) FILTER (WHERE object_id IS NULL OR again) <= $10::int AS enough, coalesce(sum(live_tasks), 0) AS existed
  FROM page
), object AS (
  INSERT INTO source_object (organization_id, storage_id, location_version, key, size, etag, modified_at, state, rows_loaded, live_tasks, attempt_run_id)
  SELECT l.organization_id, l.storage_id, l.location_version, p.key, p.size, p.etag, to_timestamp(p.modified / 1000), 'done', 1, 1, l.run_id
  FROM lease l CROSS JOIN fresh f CROSS JOIN page p
  WHERE p.object_id IS NULL AND f.enough
  ORDER BY p.n
  RETURNING id, key
), revived AS (
  UPDATE source_object o
  SET live_tasks = o.live_tasks + 1, rows_loaded = 1, state = 'done', attempt_run_id = l.run_id, content_failed = false, attempts = 0,
      byte_offset = NULL, lease_owner = NULL, lease_epoch = o.lease_epoch + 1, next_attempt_at = NULL
  FROM lease l CROSS JOIN fresh f CROSS JOIN page p
  WHERE p.again AND f.enough AND o.id = p.object_id AND o.live_tasks = 0
  RETURNING o.id, o.key
), new_task AS (
  INSERT INTO task (organization_id, project_id, source_object_id, row_index, inner_id, overlap, data)
  SELECT l.organization_id, l.project_id, o.id, 0, $9::bigint - 1 + row_number() OVER (ORDER BY p.n), l.maximum_annotations,
         jsonb_build_object('$undefined$', coalesce(p.reference, $20::text || o.key))
  FROM lease l CROSS JOIN (SELECT id, key FROM object UNION ALL SELECT id, key FROM revived) o JOIN page p USING (key)
  RETURNING 1
), made AS MATERIALIZED (
  SELECT (SELECT count(*) FROM new_task) AS tasks, (SELECT count(*) FROM object) AS n, (SELECT count(*) FROM revived) AS again
), refused AS MATERIALIZED (
  SELECT DISTINCT ON (x.key) x.key, x.code, x.message
  FROM lease l CROSS JOIN fresh f CROSS JOIN LATERAL unnest($17::text[], $18::text[], $19::text[]) AS x (key, code, message)
  WHERE f.enough ORDER BY x.key
), noted AS (
  INSERT INTO issue AS i (organization_id, storage_id, run_id, key, code, message)
  SELECT l.organization_id, l.storage_id, l.run_id, x.key, x.code, x.message FROM lease l CROSS JOIN refused x
  ON CONFLICT (storage_id, key, row_index) WHERE resolved_at IS NULL
  DO UPDATE SET run_id = excluded.run_id, last_seen_at = now(), code = excluded.code, message = excluded.message
), solved AS (
  UPDATE issue i SET resolved_at = now()
  FROM lease l CROSS JOIN revived v CROSS JOIN LATERAL (
    SELECT x.id FROM issue x WHERE x.storage_id = l.storage_id AND x.key = v.key AND x.resolved_at IS NULL OFFSET 0) x
  WHERE i.id = x.id
), tally AS (
  INSERT INTO project_tally AS t (organization_id, project_id, slot, tasks)
  SELECT l.organization_id, l.project_id, $15::smallint, m.tasks FROM lease l CROSS JOIN made m WHERE m.tasks > 0
  ON CONFLICT (project_id, slot) DO UPDATE SET tasks = t.tasks + excluded.tasks
), moved AS (
  UPDATE scan_unit g
  SET cursor = $11::text, last_key = coalesce($16::text, g.last_key), state = CASE WHEN $12::boolean THEN 'done' ELSE 'open' END,
      lease_until = clock_timestamp() + make_interval(secs => $14::float8),
      pages = g.pages + 1, seen = g.seen + f.seen + cardinality($17::text[]), created = g.created + m.n,
      known = g.known + f.seen - m.n, rearmed = g.rearmed + m.again, tasks = g.tasks + m.tasks, existed = g.existed + f.existed,
      skipped = g.skipped + $13::int, failed = g.failed + cardinality($17::text[])
  FROM lease l CROSS JOIN fresh f CROSS JOIN made m
  WHERE g.run_id = l.run_id AND g.number = l.number AND f.enough
)
SELECT f.n::int AS fresh, f.enough AS written, m.n::int AS created, m.again::int AS rearmed, (f.seen - m.n)::int AS known,
       l.cancel_requested AS cancel
FROM lease l CROSS JOIN fresh f CROSS JOIN made m
