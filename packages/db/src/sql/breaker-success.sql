-- A push went through: the breaker closes. $1 target int  $2 location_version int of the place that answered. Writes nothing when
-- it is closed, or when an old place of the target answered.
UPDATE storage
SET breaker_failures = 0, breaker_until = NULL, breaker_since = NULL, breaker_probing = false, breaker_error = NULL, breaker_error_code = NULL
WHERE id = $1::int AND breaker_until IS NOT NULL AND location_version = $2::int
