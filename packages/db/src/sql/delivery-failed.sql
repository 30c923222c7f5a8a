-- A push that the store refused (an answer came: nothing was written). No answer: delivery-ambiguous.
-- $1 target int  $2 subject type text  $3 subject bigint  $4 epoch int  $5 error code text  $6 error text  $7 seconds to the next
-- attempt float8. Returns ok; no row: the lease was lost.
UPDATE delivery
SET due_at = clock_timestamp() + make_interval(secs => $7::float8), last_error_code = $5::text, last_error = $6::text,
    state = 'pending', lease_owner = NULL, lease_epoch = lease_epoch + 1
WHERE target_id = $1::int AND subject_type = $2::text AND subject_id = $3::bigint AND lease_epoch = $4::int
  AND lease_owner IS NOT NULL AND state <> 'ended'
RETURNING true AS ok
