-- A push went through: the breaker closes. $1 target int  $2 location_version int of the place that answered  $3 codes of a target that
-- answers nobody text[]. Writes nothing when it is closed, or when an old place of the target answered.
-- What failed with such a code waits no longer by its own backoff: the target was to blame. An object that fails while others go
-- through would close and open the breaker in turns: after three attempts it keeps its backoff, unless nobody was answered for long.
WITH open AS MATERIALIZED (
  SELECT s.id, s.breaker_since FROM storage s
  WHERE s.id = $1::int AND s.breaker_until IS NOT NULL AND s.location_version = $2::int FOR NO KEY UPDATE
), closed AS (
  UPDATE storage s
  SET breaker_failures = 0, breaker_until = NULL, breaker_since = NULL, breaker_probing = false, breaker_error = NULL, breaker_error_code = NULL
  FROM open o WHERE s.id = o.id
), again AS MATERIALIZED (
  SELECT d.target_id, d.subject_type, d.subject_id FROM delivery d JOIN open o ON o.id = d.target_id
  WHERE d.target_id = $1::int AND d.last_error_code = ANY ($3::text[]) AND d.lease_owner IS NULL AND d.state = 'pending'
    AND d.due_at > statement_timestamp()
    AND (d.attempts <= 3 OR o.breaker_since < statement_timestamp() - interval '30 s')
  ORDER BY d.subject_type, d.subject_id FOR NO KEY UPDATE OF d SKIP LOCKED
)
UPDATE delivery d SET due_at = statement_timestamp()
FROM again a WHERE d.target_id = a.target_id AND d.subject_type = a.subject_type AND d.subject_id = a.subject_id
