-- The target answers nobody: the breaker opens, longer each time up to $5. $1 target int  $2 location_version int of the place that did
-- not answer  $3 code text  $4 message text  $5 longest wait seconds float8  $6 shortest wait seconds float8 (Retry-After)
-- Several workers that fail in the same moment count once. An old place of the target does not open it. Returns wait.
UPDATE storage s
SET breaker_failures = s.breaker_failures + n.step, breaker_probing = false, breaker_since = coalesce(s.breaker_since, clock_timestamp()),
    breaker_until = greatest(CASE WHEN s.breaker_probing THEN NULL ELSE s.breaker_until END,
      clock_timestamp() + make_interval(secs => greatest(least($5::float8, power(2, least(s.breaker_failures + n.step - 1, 16))), $6::float8))),
    breaker_error_code = $3::text, breaker_error = $4::text
FROM (SELECT x.id, CASE WHEN x.breaker_until > statement_timestamp() AND NOT x.breaker_probing THEN 0 ELSE 1 END AS step
      FROM storage x WHERE x.id = $1::int FOR NO KEY UPDATE) n
WHERE s.id = n.id AND s.location_version = $2::int
RETURNING extract(epoch FROM s.breaker_until - clock_timestamp())::float8 AS wait
