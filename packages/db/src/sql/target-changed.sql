-- After the columns and versions of a target changed (storage-changed): the breaker closes, what failed is tried anew, and deliveries of
-- a kind of subject that the target no longer exports end. $1 target int. Returns tried int.
WITH target AS MATERIALIZED (
  SELECT s.id, s.subject FROM storage s WHERE s.id = $1::int AND s.direction = 'target'
), closed AS (
  UPDATE storage s
  SET breaker_failures = 0, breaker_until = NULL, breaker_since = NULL, breaker_probing = false, breaker_error = NULL, breaker_error_code = NULL
  FROM target t WHERE s.id = t.id AND s.breaker_since IS NOT NULL
), ended AS (
  UPDATE delivery d
  SET state = 'ended', due_at = NULL, settle_at = NULL, run_id = NULL, lease_owner = NULL, lease_epoch = d.lease_epoch + 1, marked_only = false
  FROM target t WHERE d.target_id = t.id AND d.due_at IS NOT NULL AND d.subject_type <> t.subject AND d.old_place IS NULL
), tried AS (
  UPDATE delivery d SET due_at = least(d.due_at, statement_timestamp()), attempts = 0
  FROM target t
  WHERE d.target_id = t.id AND d.subject_type = t.subject AND d.last_error_code IS NOT NULL AND d.state = 'pending' AND d.lease_owner IS NULL
  RETURNING 1
)
SELECT count(*)::int AS tried FROM tried
