-- Tasks that do not come from a storage. $1 project int  $2 data text[] (JSON)  $3 meta text[] (JSON or NULL)  $4 allow_skip boolean[]
-- $5 annotations int[] (that the caller inserts next, in this transaction)  $6 of these canceled int[]  $7 predictions int[]
-- (columns of equal length)  $8 inner id base bigint  $9 tally slot smallint  $10 updated_by int or NULL
-- $11 external ids text[] (as long as the others; NULL: none)  $12 upload ids int[] (likewise)
-- Returns task_ids bigint[] in the order given; no row: no such project.
WITH home AS MATERIALIZED (
  SELECT p.id, p.organization_id, p.maximum_annotations FROM project p WHERE p.id = $1::int AND p.deleted_at IS NULL
), new_task AS (
  INSERT INTO task (organization_id, project_id, inner_id, overlap, data, meta, allow_skip, total_annotations, cancelled_annotations,
                    total_predictions, is_labeled, export_revision, updated_by_id, external_id, upload_id)
  SELECT p.organization_id, p.id, $8::bigint - 1 + r.n, p.maximum_annotations, r.data::jsonb, r.meta::jsonb, r.allow_skip,
         r.annotations - r.cancelled, r.cancelled, r.predictions, r.annotations > 0 AND r.annotations >= p.maximum_annotations,
         r.annotations, $10::int, r.external_id, r.upload_id
  FROM home p CROSS JOIN LATERAL unnest($2::text[], $3::text[], $4::boolean[], $5::int[], $6::int[], $7::int[], $11::text[],
                                             $12::int[]) WITH ORDINALITY
       AS r (data, meta, allow_skip, annotations, cancelled, predictions, external_id, upload_id, n)
  ORDER BY r.n
  RETURNING id, inner_id
), tally AS (
  INSERT INTO project_tally AS t (organization_id, project_id, slot, tasks)
  SELECT p.organization_id, p.id, $9::smallint, m.n FROM home p CROSS JOIN (SELECT count(*) AS n FROM new_task) m WHERE m.n > 0
  ON CONFLICT (project_id, slot) DO UPDATE SET tasks = t.tasks + excluded.tasks
)
SELECT coalesce((SELECT array_agg(n.id ORDER BY n.inner_id) FROM new_task n), '{}') AS task_ids FROM home
