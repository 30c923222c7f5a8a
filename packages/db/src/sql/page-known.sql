-- The no-op page, tried first by both methods: when the keys of this page are exactly what the table holds between its first
-- and last key and none of them needs anything, it writes the checkpoint and nothing else.
-- $1 run int  $2 unit number int  $3 lease epoch int  $4 keys text[] (sorted by UTF-8 bytes, unique, maybe empty)
-- $5 cursor text  $6 end of unit boolean  $7 dropped by the filter int  $8 lease seconds float8
-- $9 files method boolean: then every object has its task   $10 last key of the listing page text
-- Returns same boolean, cancel. same = false: nothing was written, send the page to page-files / page-tasks.
-- No row: the lease is lost or the storage changed. One index range instead of 1,000 descents: a quarter of the CPU of the full
-- page statement. Only for listings in ascending key order: with another order first..last is not the page.
WITH lease AS MATERIALIZED (
  SELECT g.run_id, g.number, s.id AS storage_id, s.location_version, r.cancel_requested
  FROM scan_unit g JOIN run r ON r.id = g.run_id JOIN storage s ON s.id = r.storage_id
  WHERE g.run_id = $1::int AND g.number = $2::int AND g.lease_epoch = $3::int AND g.state = 'open'
    AND r.state = 'running' AND r.settings_version = s.settings_version
  FOR UPDATE OF g
), page AS MATERIALIZED (
  SELECT coalesce(array_agg(x.key), '{}') = $4::text[] AND NOT coalesce(bool_or(x.again), false) AS same,
         coalesce(sum(x.live_tasks) FILTER (WHERE x.attempt_run_id IS DISTINCT FROM $1::int), 0) AS existed
  FROM (SELECT o.key, o.live_tasks, o.attempt_run_id,
               o.state = 'failed' OR (o.live_tasks = 0 AND (o.rows_loaded > 0 OR $9::boolean)) AS again
        FROM lease l JOIN source_object o ON o.storage_id = l.storage_id AND o.location_version = l.location_version
        WHERE o.key >= ($4::text[])[1] AND o.key <= ($4::text[])[cardinality($4::text[])]
        ORDER BY o.key LIMIT cardinality($4::text[]) + 1) x
), moved AS (
  UPDATE scan_unit g
  SET cursor = $5::text, last_key = coalesce($10::text, g.last_key), state = CASE WHEN $6::boolean THEN 'done' ELSE 'open' END,
      lease_until = clock_timestamp() + make_interval(secs => $8::float8), pages = g.pages + 1,
      seen = g.seen + cardinality($4::text[]), known = g.known + cardinality($4::text[]), existed = g.existed + p.existed,
      skipped = g.skipped + $7::int
  FROM lease l CROSS JOIN page p
  WHERE p.same AND g.run_id = l.run_id AND g.number = l.number
)
SELECT p.same, l.cancel_requested AS cancel FROM lease l CROSS JOIN page p
