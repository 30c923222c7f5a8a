-- Gives claimed deliveries back at once; the claim does not count. $1 target int  $2 subject types text[]  $3 subject ids bigint[]
-- $4 epochs int[]. Returns subject_id. Only for pushes that never began.
WITH held AS MATERIALIZED (
  SELECT d.subject_type, d.subject_id
  FROM unnest($2::text[], $3::bigint[], $4::int[]) AS g (subject_type, subject_id, epoch)
  JOIN delivery d ON d.target_id = $1::int AND d.subject_type = g.subject_type AND d.subject_id = g.subject_id
  WHERE d.lease_epoch = g.epoch AND d.lease_owner IS NOT NULL
  ORDER BY d.subject_type, d.subject_id FOR NO KEY UPDATE OF d
)
UPDATE delivery d
SET due_at = statement_timestamp(), lease_owner = NULL, lease_epoch = d.lease_epoch + 1, attempts = greatest(d.attempts - 1, 0)
FROM held h WHERE d.target_id = $1::int AND d.subject_type = h.subject_type AND d.subject_id = h.subject_id
RETURNING d.subject_id
