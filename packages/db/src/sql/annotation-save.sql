-- Saves an annotation (new: $1 NULL; else only when its revision is $4, or whatever it is when $4 is NULL) and wishes its
-- delivery on every target of the project, of the annotation or of its task, in the same statement. After project-hold.
-- $1 annotation bigint or NULL  $2 task bigint (for a new one)  $3 actor int or NULL (updated_by; his drafts go)  $4 expected revision int
-- $5 columns to write text[] (the names below; the others keep what they have)  $6 result text (JSON)  $7 was_cancelled boolean
-- $8 ground_truth boolean  $9 lead_time float8  $10 completed_by_id int  $11 last_created_by_id int  $12 unique_id text
-- $13 parent_prediction_id bigint  $14 parent_annotation_id bigint  $15 import_id bigint  $16 last_action text  $17 external_id text
-- $18 prediction text (JSON)  $19 bulk_created boolean  $20 draft_created_at text  $21 created_at text  $22 updated_at text or NULL: now
-- $23 version of the event bigint or NULL: saved only when it is newer than the stored one and than a tombstone of $17
-- $24 project int (the one that is held)
-- Returns id, revision, task_id, created, targets int[] (to ring); no row: unknown, or changed by somebody else ($4, $23).
-- Locks go task, then annotation, as in every deletion; the counters take the annotation as it is once it is locked. A wish
-- only raises wanted_revision. due_at of a leased or backing-off delivery stays as it is; one that only waits to settle is due at once.
WITH held AS MATERIALIZED (
  SELECT t.id, t.organization_id, t.project_id FROM task t
  WHERE t.id = CASE WHEN $1::bigint IS NULL THEN $2::bigint ELSE (SELECT a.task_id FROM annotation a WHERE a.id = $1::bigint) END
    AND t.project_id = $24::int
  FOR NO KEY UPDATE
), before AS MATERIALIZED (
  SELECT a.id, a.was_cancelled FROM annotation a JOIN held t ON t.id = a.task_id
  WHERE a.id = $1::bigint AND ($4::int IS NULL OR a.revision = $4::int)
    AND ($23::bigint IS NULL OR a.event_version IS NULL OR a.event_version < $23::bigint)
  FOR NO KEY UPDATE OF a
), draft_gone AS (
  DELETE FROM draft d USING held t
  WHERE d.task_id = t.id
    AND CASE WHEN $1::bigint IS NULL THEN d.annotation_id IS NULL AND d.user_id = $3::int
             ELSE d.annotation_id IN (SELECT b.id FROM before b) END
  RETURNING d.created_at
), made AS (
  INSERT INTO annotation (organization_id, project_id, task_id, result, was_cancelled, ground_truth, lead_time, completed_by_id,
                          updated_by_id, last_created_by_id, unique_id, parent_prediction_id, parent_annotation_id, import_id,
                          last_action, external_id, prediction, bulk_created, event_version, draft_created_at, created_at, updated_at)
  SELECT t.organization_id, t.project_id, t.id, $6::jsonb, coalesce($7::boolean, false), coalesce($8::boolean, false), $9::float8,
         $10::int, $3::int, $11::int, coalesce($12::text, gen_random_uuid()::text), $13::bigint, $14::bigint, $15::bigint,
         $16::text, $17::text, $18::jsonb, coalesce($19::boolean, false), $23::bigint,
         coalesce($20::text::timestamptz, (SELECT min(d.created_at) FROM draft_gone d)),
         coalesce($21::text::timestamptz, now()), coalesce($22::text::timestamptz, now())
  FROM held t
  WHERE $1::bigint IS NULL
    AND ($23::bigint IS NULL OR NOT EXISTS (
      SELECT FROM annotation_tombstone x
      WHERE x.project_id = t.project_id AND x.external_id = $17::text AND x.event_version >= $23::bigint))
  RETURNING id, organization_id, project_id, task_id, revision, was_cancelled
), changed AS (
  UPDATE annotation a
  SET result = CASE WHEN 'result' = ANY ($5::text[]) THEN $6::jsonb ELSE a.result END,
      was_cancelled = CASE WHEN 'was_cancelled' = ANY ($5::text[]) THEN coalesce($7::boolean, false) ELSE a.was_cancelled END,
      ground_truth = CASE WHEN 'ground_truth' = ANY ($5::text[]) THEN coalesce($8::boolean, false) ELSE a.ground_truth END,
      lead_time = CASE WHEN 'lead_time' = ANY ($5::text[]) THEN $9::float8 ELSE a.lead_time END,
      completed_by_id = CASE WHEN 'completed_by_id' = ANY ($5::text[]) THEN $10::int ELSE a.completed_by_id END,
      last_created_by_id = CASE WHEN 'last_created_by_id' = ANY ($5::text[]) THEN $11::int ELSE a.last_created_by_id END,
      unique_id = CASE WHEN 'unique_id' = ANY ($5::text[]) THEN $12::text ELSE a.unique_id END,
      parent_prediction_id = CASE WHEN 'parent_prediction_id' = ANY ($5::text[]) THEN $13::bigint ELSE a.parent_prediction_id END,
      parent_annotation_id = CASE WHEN 'parent_annotation_id' = ANY ($5::text[]) THEN $14::bigint ELSE a.parent_annotation_id END,
      import_id = CASE WHEN 'import_id' = ANY ($5::text[]) THEN $15::bigint ELSE a.import_id END,
      last_action = CASE WHEN 'last_action' = ANY ($5::text[]) THEN $16::text ELSE a.last_action END,
      external_id = CASE WHEN 'external_id' = ANY ($5::text[]) THEN $17::text ELSE a.external_id END,
      prediction = CASE WHEN 'prediction' = ANY ($5::text[]) THEN $18::jsonb ELSE a.prediction END,
      bulk_created = CASE WHEN 'bulk_created' = ANY ($5::text[]) THEN coalesce($19::boolean, false) ELSE a.bulk_created END,
      draft_created_at = CASE WHEN 'draft_created_at' = ANY ($5::text[]) THEN $20::text::timestamptz ELSE a.draft_created_at END,
      created_at = CASE WHEN 'created_at' = ANY ($5::text[]) THEN $21::text::timestamptz ELSE a.created_at END,
      updated_at = coalesce($22::text::timestamptz, now()), updated_by_id = coalesce($3::int, a.updated_by_id),
      event_version = coalesce($23::bigint, a.event_version), revision = a.revision + 1
  FROM before b WHERE a.id = b.id
  RETURNING a.id, a.organization_id, a.project_id, a.task_id, a.revision, a.was_cancelled
), saved AS MATERIALIZED (
  SELECT m.*, true AS created, CASE WHEN m.was_cancelled THEN 0 ELSE 1 END AS total, CASE WHEN m.was_cancelled THEN 1 ELSE 0 END AS cancelled
  FROM made m
  UNION ALL
  SELECT c.*, false, b.was_cancelled::int - c.was_cancelled::int, c.was_cancelled::int - b.was_cancelled::int
  FROM changed c JOIN before b ON b.id = c.id
), counted AS (
  UPDATE task t
  SET total_annotations = t.total_annotations + s.total, cancelled_annotations = t.cancelled_annotations + s.cancelled,
      is_labeled = t.total_annotations + s.total > 0 AND t.total_annotations + s.total >= t.overlap,
      export_revision = t.export_revision + 1, updated_at = now(), updated_by_id = coalesce($3::int, t.updated_by_id)
  FROM saved s WHERE t.id = s.task_id
  RETURNING t.id, t.export_revision
), wished AS (
  INSERT INTO delivery AS d (organization_id, target_id, subject_type, subject_id, wanted_revision, wanted_op, due_at)
  SELECT s.organization_id, g.id, g.subject, CASE g.subject WHEN 'task' THEN c.id ELSE s.id END,
         CASE g.subject WHEN 'task' THEN c.export_revision ELSE s.revision END, 'put', statement_timestamp()
  FROM saved s CROSS JOIN counted c JOIN storage g ON g.project_id = s.project_id AND g.direction = 'target' AND g.deleted_at IS NULL
  ORDER BY g.id
  ON CONFLICT (target_id, subject_type, subject_id) DO UPDATE
  SET wanted_revision = greatest(d.wanted_revision, excluded.wanted_revision),
      wanted_op = CASE WHEN excluded.wanted_revision > d.wanted_revision THEN excluded.wanted_op ELSE d.wanted_op END,
      old_place = CASE WHEN excluded.wanted_revision > d.wanted_revision THEN NULL ELSE d.old_place END,
      wanted_at = CASE WHEN d.state = 'pending' THEN d.wanted_at ELSE statement_timestamp() END,
      state = 'pending', marked_only = false,
      due_at = CASE WHEN d.due_at IS NULL OR (d.lease_owner IS NULL AND d.due_at = d.settle_at) THEN excluded.due_at ELSE d.due_at END
  RETURNING d.target_id
)
SELECT s.id, s.revision, s.task_id, s.created, coalesce((SELECT array_agg(w.target_id) FROM wished w), '{}') AS targets
FROM saved s CROSS JOIN counted c
