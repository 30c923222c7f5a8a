-- Compares one page of a target's listing with its deliveries, marks the subjects that were met and moves the cursor.
-- $1 run int  $2 pages compared so far int (as the caller saw it)  $3 keys text[]  $4 etags text[]  $5 bytes bigint[]
-- $6 named by another target at the same place boolean[]  $7 since text: the database's clock before the page was asked for
-- $8 cursor of the next page text, NULL at the end
-- Returns one row per difference (kind, key, subject_type, subject_id) and always one with kind NULL: repair, since for the next page,
-- target_id. No row: the run is over or canceled, its target changed, or somebody else has compared this page.
-- A delivery is judged when it is at rest since before the page was asked for; another one is put, or was put meanwhile, and the
-- page may show either object. What two targets write under one key is not judged: the last one to write wins.
WITH of AS MATERIALIZED (
  SELECT r.id, r.organization_id, s.id AS target_id, s.location_version, s.subject, coalesce(s.can_delete_objects, false) AS may_delete,
         coalesce((r.options->>'repair')::boolean, false) AS repair
  FROM run r JOIN storage s ON s.id = r.storage_id
  WHERE r.id = $1::int AND r.kind = 'reconcile' AND r.state = 'running' AND NOT r.cancel_requested AND NOT r.compare_listed
    AND r.compare_page = $2::int AND r.settings_version = s.settings_version AND s.deleted_at IS NULL
  FOR NO KEY UPDATE OF r
), page AS MATERIALIZED (
  SELECT p.key, p.etag, p.bytes, p.named, d.*
  FROM of o CROSS JOIN LATERAL unnest($3::text[], $4::text[], $5::bigint[], $6::boolean[]) AS p (key, etag, bytes, named)
  LEFT JOIN LATERAL (
    SELECT x.subject_type, x.subject_id, x.wanted_op AS op,
           x.state = 'delivered' AND x.lease_owner IS NULL AND x.due_at IS NULL AND x.delivered_at < $7::text::timestamptz AS at_rest,
           CASE WHEN x.etag IS NOT NULL AND p.etag IS NOT NULL THEN x.etag <> p.etag
                ELSE coalesce(x.object_bytes <> p.bytes, false) END AS differs
    FROM delivery x
    WHERE x.object_key = p.key AND x.target_id = o.target_id AND x.place_version = o.location_version OFFSET 0) d ON true
), marked AS (
  INSERT INTO reconcile_mark (run_id, subject_id, organization_id)
  SELECT DISTINCT o.id, p.subject_id, o.organization_id FROM of o CROSS JOIN page p WHERE p.subject_type = o.subject ORDER BY 2
  ON CONFLICT DO NOTHING
), judged AS MATERIALIZED (
  SELECT p.key, min(p.subject_type) AS subject_type, min(p.subject_id) AS subject_id,
         CASE WHEN bool_or(p.named) THEN NULL
              WHEN count(p.subject_id) = 0 THEN 'foreign'
              WHEN count(p.subject_id) > 1 OR NOT bool_and(p.at_rest) THEN NULL
              WHEN bool_and(p.op = 'put') THEN CASE WHEN bool_and(p.differs) THEN 'changed' END
              WHEN (SELECT o.may_delete FROM of o) THEN 'stale' END AS kind
  FROM page p GROUP BY p.key
), moved AS (
  UPDATE run r
  SET compare_page = r.compare_page + 1, compare_cursor = $8::text, compare_listed = $8::text IS NULL,
      compared = r.compared + cardinality($3::text[]), heartbeat_at = clock_timestamp()
  FROM of o WHERE r.id = o.id
)
SELECT j.kind, j.key, j.subject_type, j.subject_id, o.repair, NULL AS since, o.target_id
FROM of o CROSS JOIN judged j WHERE j.kind IS NOT NULL
UNION ALL
SELECT NULL, NULL, NULL, NULL, o.repair, clock_timestamp()::text, o.target_id FROM of o
