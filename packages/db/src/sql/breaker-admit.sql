-- May deliveries of a target be pushed now? $1 target int  $2 seconds that one probe may take float8. Returns state (closed, probe,
-- open) and seconds to wait; no row: the target is gone. One caller at a time gets the probe; one that died is followed by the next.
-- With nothing due there is nothing to probe with, so no probe is used up.
WITH seen AS MATERIALIZED (
  SELECT s.id, s.breaker_until, EXISTS (SELECT FROM delivery d WHERE d.target_id = s.id AND d.due_at <= statement_timestamp()) AS has_work
  FROM storage s WHERE s.id = $1::int AND s.deleted_at IS NULL
), probe AS (
  UPDATE storage s SET breaker_until = clock_timestamp() + make_interval(secs => $2::float8), breaker_probing = true
  FROM seen x WHERE s.id = x.id AND x.has_work AND s.breaker_until <= statement_timestamp()
  RETURNING s.id
)
SELECT CASE WHEN x.breaker_until IS NULL THEN 'closed'
            WHEN EXISTS (SELECT FROM probe) OR (x.breaker_until <= statement_timestamp() AND NOT x.has_work) THEN 'probe'
            ELSE 'open' END AS state,
       greatest(extract(epoch FROM x.breaker_until - clock_timestamp()), 1)::float8 AS wait
FROM seen x
