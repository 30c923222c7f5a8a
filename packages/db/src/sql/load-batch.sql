-- One batch of rows of one object with its bad rows and its checkpoint.
-- $1 run int  $2 object bigint  $3 epoch int  $4 row_index int[]  $5 data text[] (JSON documents)  $6 meta text[] (JSON or NULL)
-- $7 allow_skip boolean[]  $8 annotations int[] (that the caller inserts next, in this transaction)  $9 of these canceled int[]
-- $10 predictions int[]   (columns of equal length)
-- $11 inner id base bigint  $12 rows read so far int (bad ones included)  $13 byte offset bigint  $14 object finished boolean
-- $15 etag of the version being read text  $16 lease seconds float8  $17 slot smallint
-- $18 first batch of a changed version of a HALF-READ object boolean: removes its tasks that nobody touched, touched ones stay
--     with an issue. Run tasks-lock for the object in the same transaction before; without it an annotation that is being
--     saved dies or fails this batch.
-- $19 bad rows int[]  $20 their byte offsets bigint[]  $21 codes text[]  $22 messages text[]   (unique, disjoint from $4)
-- Returns inserted, removed, state, task_ids bigint[], task_rows int[] (the new tasks and their rows); no row: the lease is lost
-- or the storage changed, nothing was written. Rows whose task exists are left as they are; issues of rows in $4 are resolved.
-- A finished object is failed when a row issue of it is open (the failure lies in its content), else done; its own issue is
-- resolved. OFFSET 0: looked up per task; a hash of all annotations would be the plan otherwise.
WITH object AS MATERIALIZED (
  SELECT o.id, o.organization_id, o.storage_id, o.key, s.project_id, p.maximum_annotations
  FROM source_object o JOIN storage s ON s.id = o.storage_id JOIN project p ON p.id = s.project_id
  JOIN run r ON r.id = $1::int AND r.storage_id = o.storage_id
  WHERE o.id = $2::bigint AND o.lease_epoch = $3::int AND o.state = 'pending' AND o.lease_owner IS NOT NULL
    AND r.state = 'running' AND r.settings_version = s.settings_version
  FOR UPDATE OF o
), stale AS (
  DELETE FROM task t USING object o
  WHERE $18::boolean AND t.source_object_id = o.id AND NOT EXISTS (SELECT FROM annotation a WHERE a.task_id = t.id OFFSET 0)
    AND NOT EXISTS (SELECT FROM draft d WHERE d.task_id = t.id OFFSET 0)
  RETURNING t.row_index
), gone AS MATERIALIZED (
  SELECT count(*) AS n FROM stale
), new_task AS (
  INSERT INTO task (organization_id, project_id, source_object_id, row_index, inner_id, overlap, data, meta, allow_skip,
                    total_annotations, cancelled_annotations, total_predictions, is_labeled, export_revision)
  SELECT o.organization_id, o.project_id, o.id, r.row_index, $11::bigint - 1 + r.n, o.maximum_annotations, r.data::jsonb, r.meta::jsonb,
         r.allow_skip, r.annotations - r.cancelled, r.cancelled, r.predictions,
         r.annotations > 0 AND r.annotations >= o.maximum_annotations, r.annotations
  FROM object o CROSS JOIN gone CROSS JOIN LATERAL
       unnest($4::int[], $5::text[], $6::text[], $7::boolean[], $8::int[], $9::int[], $10::int[]) WITH ORDINALITY
       AS r (row_index, data, meta, allow_skip, annotations, cancelled, predictions, n)
  ON CONFLICT (source_object_id, row_index) DO NOTHING
  RETURNING id, row_index
), made AS MATERIALIZED (
  SELECT count(*) AS n, coalesce(array_agg(id), '{}') AS ids, coalesce(array_agg(row_index), '{}') AS row_indexes FROM new_task
), bad AS MATERIALIZED (
  SELECT b.row_index, b.byte_offset, b.code, b.message
  FROM object o CROSS JOIN LATERAL unnest($19::int[], $20::bigint[], $21::text[], $22::text[]) AS b (row_index, byte_offset, code, message)
  UNION ALL
  SELECT t.row_index, NULL, 'touched', 'the file changed while it was read; this task is of the older version and somebody worked on it'
  FROM object o JOIN task t ON t.source_object_id = o.id
  WHERE $18::boolean AND NOT t.row_index = ANY ($19::int[])
    AND (EXISTS (SELECT FROM annotation a WHERE a.task_id = t.id OFFSET 0) OR EXISTS (SELECT FROM draft d WHERE d.task_id = t.id OFFSET 0))
), noted AS (
  INSERT INTO issue AS i (organization_id, storage_id, run_id, key, row_index, byte_offset, code, message)
  SELECT o.organization_id, o.storage_id, $1::int, o.key, b.row_index, b.byte_offset, b.code, b.message FROM object o CROSS JOIN bad b
  ON CONFLICT (storage_id, key, row_index) WHERE resolved_at IS NULL
  DO UPDATE SET run_id = excluded.run_id, last_seen_at = now(), code = excluded.code, message = excluded.message,
    byte_offset = excluded.byte_offset
), solved AS (
  UPDATE issue i SET resolved_at = now() FROM object h
  WHERE i.storage_id = h.storage_id AND i.key = h.key AND i.resolved_at IS NULL
    AND NOT i.row_index IN (SELECT b.row_index FROM bad b)
    AND ((i.row_index = -1 AND $14::boolean) OR i.row_index IN (SELECT n.row_index FROM new_task n)
         OR (i.code <> 'touched' AND (i.row_index = ANY ($4::int[]) OR ($14::boolean AND i.row_index >= $12::int))))
  RETURNING i.id
), verdict AS MATERIALIZED (
  SELECT CASE WHEN NOT $14::boolean THEN 'pending'
              WHEN EXISTS (SELECT FROM bad) OR EXISTS (
                SELECT FROM issue i JOIN object h ON i.storage_id = h.storage_id AND i.key = h.key
                WHERE i.resolved_at IS NULL AND i.row_index >= 0 AND i.id NOT IN (SELECT v.id FROM solved v)) THEN 'failed'
              ELSE 'done' END AS state
  FROM object
), seen AS (
  -- Open issues of earlier runs that keep it failed count for this one.
  UPDATE issue i SET run_id = $1::int, last_seen_at = now() FROM object h, verdict v
  WHERE v.state = 'failed' AND i.storage_id = h.storage_id AND i.key = h.key AND i.resolved_at IS NULL AND i.row_index >= 0
    AND i.run_id <> $1::int AND i.row_index NOT IN (SELECT b.row_index FROM bad b) AND i.id NOT IN (SELECT v.id FROM solved v)
), tally AS (
  INSERT INTO project_tally AS t (organization_id, project_id, slot, tasks)
  SELECT o.organization_id, o.project_id, $17::smallint, m.n - g.n FROM object o CROSS JOIN made m CROSS JOIN gone g
  WHERE m.n <> g.n
  ON CONFLICT (project_id, slot) DO UPDATE SET tasks = t.tasks + excluded.tasks
), counted AS (
  INSERT INTO run_slot AS c (organization_id, run_id, slot, objects, rows)
  SELECT o.organization_id, $1::int, $17::smallint, CASE WHEN $14::boolean THEN 1 ELSE 0 END, m.n - g.n
  FROM object o CROSS JOIN made m CROSS JOIN gone g
  ON CONFLICT (run_id, slot) DO UPDATE SET objects = c.objects + excluded.objects, rows = c.rows + excluded.rows
), checkpoint AS (
  UPDATE source_object o
  SET rows_loaded = $12::int, byte_offset = $13::bigint, etag = $15::text, state = v.state, content_failed = v.state = 'failed',
      live_tasks = o.live_tasks + m.n - g.n, attempts = CASE WHEN $14::boolean THEN 0 ELSE 1 END, missing_since = NULL,
      next_attempt_at = CASE WHEN $14::boolean THEN NULL ELSE clock_timestamp() + make_interval(secs => $16::float8) END,
      lease_owner = CASE WHEN $14::boolean THEN NULL ELSE o.lease_owner END
  FROM object h CROSS JOIN verdict v CROSS JOIN made m CROSS JOIN gone g WHERE o.id = h.id
)
SELECT m.n::int AS inserted, g.n::int AS removed, v.state, m.ids AS task_ids, m.row_indexes AS task_rows
FROM object o CROSS JOIN made m CROSS JOIN gone g CROSS JOIN verdict v
