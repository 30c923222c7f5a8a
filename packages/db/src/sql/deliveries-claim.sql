-- Claims due deliveries of one target. $1 target int  $2 owner text  $3 count int  $4 lease seconds float8
-- $5 settle seconds float8: for how long a put without an answer may still land  $6 claim nothing unless the breaker is closed boolean
-- Returns one row per delivery with the target beside it, or one with the target alone; no row: the target is gone. Settings,
-- secrets and place are those of the same snapshot. Render what is newest now; wanted_revision is a lower bound.
-- Deletes that waited when the target moved go first, with the settings of their old place; one claim is of one place.
-- stored_bytes is a guess that reads no large value: what is compressed counts eightfold. 0: the subject is gone.
-- object_key is null when the copy that was put last lies at another place than the one that the claim is of.
-- A claim that follows one that never reported is a put of unknown fate: settle_at. A claim at or after settle_at is the put
-- that settles. Expired leases come back by themselves. statement_timestamp(), not clock_timestamp(): index condition.
-- Candidates are found with nothing but the conditions of their index: with one more the plan reads and sorts all that is due (150 ms
-- of 100,000). Eight times as many as wanted at most: more than other workers hold locked at one moment. They are locked one by one,
-- and no more of them are read than it takes: LATERAL and no ORDER BY behind it. Not a number as limit: without statistics the planner
-- takes it for all there is, and sorts.
WITH target AS MATERIALIZED (
  SELECT s.id, s.project_id, $6::boolean AND s.breaker_until IS NOT NULL AS is_held_back,
         (SELECT min(p.location_version) FROM target_place p
          WHERE p.target_id = s.id AND EXISTS (SELECT FROM delivery d WHERE d.target_id = s.id AND d.old_place = p.location_version
                                               AND d.due_at <= statement_timestamp())) AS old_place
  FROM storage s WHERE s.id = $1::int AND s.deleted_at IS NULL
), place AS MATERIALIZED (
  SELECT t.id, t.project_id, t.old_place, t.is_held_back, s.provider, s.settings, s.secrets, s.title, s.prefix, s.subject, s.key_template,
         s.json_extension, coalesce(s.can_delete_objects, false) AS can_delete_objects, s.settings_version, s.location_version
  FROM target t JOIN storage s ON s.id = t.id WHERE t.old_place IS NULL
  UNION ALL
  SELECT t.id, t.project_id, t.old_place, t.is_held_back, p.provider, p.settings, p.secrets, p.title, p.prefix, p.subject, p.key_template,
         p.json_extension, p.can_delete_objects, p.settings_version, p.location_version
  FROM target t JOIN target_place p ON p.target_id = t.id AND p.location_version = t.old_place
), candidate AS MATERIALIZED (
  (SELECT d.subject_type, d.subject_id, d.due_at FROM delivery d
   WHERE (SELECT p.old_place IS NULL AND NOT p.is_held_back FROM place p) AND d.target_id = $1::int AND d.due_at <= statement_timestamp()
   ORDER BY d.due_at LIMIT 8 * $3::int)
  UNION ALL
  (SELECT d.subject_type, d.subject_id, d.due_at FROM delivery d
   WHERE (SELECT NOT p.is_held_back FROM place p) AND d.target_id = $1::int AND d.old_place = (SELECT p.old_place FROM place p)
     AND d.due_at <= statement_timestamp()
   LIMIT 8 * $3::int)
), due AS MATERIALIZED (
  SELECT l.target_id, l.subject_type, l.subject_id
  FROM candidate c CROSS JOIN LATERAL (
    SELECT d.target_id, d.subject_type, d.subject_id FROM delivery d
    WHERE d.target_id = $1::int AND d.subject_type = c.subject_type AND d.subject_id = c.subject_id
      AND d.due_at <= statement_timestamp() AND c.subject_type IS NOT DISTINCT FROM (SELECT p.subject FROM place p)
      AND d.old_place IS NOT DISTINCT FROM (SELECT p.old_place FROM place p)
    FOR UPDATE SKIP LOCKED) l
  LIMIT $3::int
), claimed AS (
  UPDATE delivery d
  SET due_at = clock_timestamp() + make_interval(secs => $4::float8), lease_owner = $2::text,
      lease_epoch = d.lease_epoch + 1, attempts = d.attempts + 1,
      settle_at = CASE WHEN d.lease_owner IS NOT NULL THEN clock_timestamp() + make_interval(secs => $5::float8)
                       WHEN d.settle_at <= statement_timestamp() THEN NULL ELSE d.settle_at END
  FROM due u
  WHERE d.target_id = u.target_id AND d.subject_type = u.subject_type AND d.subject_id = u.subject_id
  RETURNING d.subject_type, d.subject_id, d.lease_epoch, d.attempts, d.wanted_revision, d.wanted_op, d.object_key, d.etag,
            d.delivered_revision, d.place_version
)
SELECT p.project_id, p.provider, p.settings, p.secrets, p.title, p.prefix, p.subject, p.key_template, p.json_extension,
       p.can_delete_objects, p.settings_version, p.location_version, p.old_place IS NOT NULL AS is_retired, p.is_held_back,
       c.subject_type, c.subject_id, c.lease_epoch AS epoch, c.attempts,
       c.wanted_revision, c.wanted_op, CASE WHEN c.place_version = p.location_version THEN c.object_key END AS object_key,
       CASE WHEN c.place_version = p.location_version THEN c.etag END AS etag, c.delivered_revision,
       coalesce(CASE c.subject_type
         WHEN 'task' THEN
           (SELECT pg_column_size(t.data) * CASE WHEN pg_column_compression(t.data) IS NULL THEN 1 ELSE 8 END FROM task t WHERE t.id = c.subject_id)
           + (SELECT sum(pg_column_size(a.result) * CASE WHEN pg_column_compression(a.result) IS NULL THEN 1 ELSE 8 END)
              FROM annotation a WHERE a.task_id = c.subject_id)
         ELSE
           (SELECT coalesce(pg_column_size(a.result) * CASE WHEN pg_column_compression(a.result) IS NULL THEN 1 ELSE 8 END, 0)
              + pg_column_size(t.data) * CASE WHEN pg_column_compression(t.data) IS NULL THEN 1 ELSE 8 END
            FROM annotation a JOIN task t ON t.id = a.task_id WHERE a.id = c.subject_id)
       END, 0)::float8 AS stored_bytes
FROM place p LEFT JOIN claimed c ON true
