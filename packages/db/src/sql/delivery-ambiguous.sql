-- A put or delete whose fate is unknown: no answer, or it may have landed after the lease was lost (deliveries-delivered gave no
-- row). The newest is put (or deleted) at once, and once more at settle_at: the store may apply the lost one over the winner later.
-- $1 target int  $2 subject type text  $3 subject bigint  $4 epoch int  $5 settle seconds float8  $6 error code text  $7 error text
-- $8 seconds to the next attempt float8 (0 the first time, then backoff). Returns due_at; no row: the delivery ended.
-- Whoever holds the lease now keeps it: its record finds settle_at.
UPDATE delivery d
SET settle_at = greatest(d.settle_at, clock_timestamp() + make_interval(secs => $5::float8)),
    due_at = CASE WHEN d.lease_owner IS NOT NULL AND d.lease_epoch <> $4::int THEN d.due_at
                  ELSE clock_timestamp() + make_interval(secs => $8::float8) END,
    lease_owner = CASE WHEN d.lease_epoch <> $4::int THEN d.lease_owner END,
    lease_epoch = d.lease_epoch + CASE WHEN d.lease_epoch <> $4::int THEN 0 ELSE 1 END,
    wanted_at = CASE WHEN d.state = 'pending' THEN d.wanted_at ELSE statement_timestamp() END,
    state = 'pending', last_error_code = $6::text, last_error = $7::text
WHERE d.target_id = $1::int AND d.subject_type = $2::text AND d.subject_id = $3::bigint AND d.state <> 'ended'
RETURNING d.due_at
