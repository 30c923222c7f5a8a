-- Page of a dry run: judges each key by the listing alone and keeps what it found. No source object, task or issue is touched.
-- $1 run int   $2 unit number int   $3 lease epoch int   $4 keys text[] sorted by UTF-8 bytes, unique
-- $5 failure codes text[] (same length as $4; NULL: may be loaded)
-- $6 refused keys text[]   $7 their codes text[]   $8 keys that the filter dropped text[]
-- $9 cursor text   $10 end of unit boolean   $11 dropped by the filter int   $12 lease seconds float8
-- $13 last key of the listing page text   $14 keys kept per reason int
-- Reasons: new, known, filtered, else the code of the failure. Returns one row: created (new), known, cancel; no row: the lease
-- is lost or the storage changed, nothing was written.
WITH lease AS MATERIALIZED (
  SELECT g.run_id, g.number, g.organization_id, s.id AS storage_id, s.location_version, r.cancel_requested
  FROM scan_unit g JOIN run r ON r.id = g.run_id JOIN storage s ON s.id = r.storage_id
  WHERE g.run_id = $1::int AND g.number = $2::int AND g.lease_epoch = $3::int AND g.state = 'open'
    AND r.state = 'running' AND r.settings_version = s.settings_version
  FOR UPDATE OF g
), judged AS MATERIALIZED (
  SELECT p.key, coalesce(p.code, CASE WHEN o.id IS NULL THEN 'new' ELSE 'known' END) AS reason
  FROM lease l CROSS JOIN LATERAL unnest($4::text[], $5::text[]) AS p (key, code)
  LEFT JOIN LATERAL (SELECT x.id FROM source_object x
                     WHERE x.storage_id = l.storage_id AND x.location_version = l.location_version AND x.key = p.key OFFSET 0) o ON true
  UNION ALL
  SELECT x.key, x.code FROM lease l CROSS JOIN LATERAL unnest($6::text[], $7::text[]) AS x (key, code)
  UNION ALL
  SELECT x.key, 'filtered' FROM lease l CROSS JOIN LATERAL unnest($8::text[]) AS x (key)
), counts AS MATERIALIZED (
  SELECT reason, count(*) AS n FROM judged WHERE reason <> 'filtered' GROUP BY reason
  UNION ALL
  SELECT 'filtered', $11::bigint FROM lease WHERE $11::int > 0
), held AS MATERIALIZED (
  SELECT f.reason, f.count FROM lease l JOIN dry_run_finding f ON f.run_id = l.run_id AND f.key = ''
), sample AS (
  INSERT INTO dry_run_finding (run_id, organization_id, reason, key)
  SELECT l.run_id, l.organization_id, j.reason, j.key
  FROM lease l CROSS JOIN (SELECT reason, key, row_number() OVER (PARTITION BY reason ORDER BY key) AS n FROM judged) j
  LEFT JOIN held h ON h.reason = j.reason
  WHERE j.n + coalesce(h.count, 0) <= $14::int
  ON CONFLICT (run_id, reason, key) DO NOTHING
), counted AS (
  INSERT INTO dry_run_finding AS f (run_id, organization_id, reason, key, count)
  SELECT l.run_id, l.organization_id, c.reason, '', c.n FROM lease l CROSS JOIN counts c ORDER BY c.reason
  ON CONFLICT (run_id, reason, key) DO UPDATE SET count = f.count + excluded.count
), made AS MATERIALIZED (
  SELECT count(*) FILTER (WHERE reason = 'new') AS created, count(*) FILTER (WHERE reason = 'known') AS known,
         count(*) FILTER (WHERE reason NOT IN ('new', 'known', 'filtered')) AS failed
  FROM judged
), moved AS (
  UPDATE scan_unit g
  SET cursor = $9::text, last_key = coalesce($13::text, g.last_key), state = CASE WHEN $10::boolean THEN 'done' ELSE 'open' END,
      lease_until = clock_timestamp() + make_interval(secs => $12::float8), pages = g.pages + 1,
      seen = g.seen + cardinality($4::text[]) + cardinality($6::text[]), created = g.created + m.created, known = g.known + m.known,
      skipped = g.skipped + $11::int, failed = g.failed + m.failed
  FROM lease l CROSS JOIN made m
  WHERE g.run_id = l.run_id AND g.number = l.number
)
SELECT m.created::int, m.known::int, l.cancel_requested AS cancel FROM lease l CROSS JOIN made m
