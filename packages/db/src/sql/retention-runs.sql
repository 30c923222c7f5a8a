-- Drops the oldest runs of some storages, with their solved issues; scope maintenance. $1 runs that a storage keeps int
-- $2 storages after this id int  $3 storages at most int  $4 runs at most int  $5 issues at most int
-- Returns dropped int, storages int (looked at), last int (the highest of them), is_more boolean: ask again for the same storages.
-- Kept beyond the number: unfinished runs, the newest ended one of each kind (a storage's status is read from it), runs with open
-- issues, and runs that a delivery still belongs to.
WITH place AS MATERIALIZED (
  SELECT s.id FROM storage s WHERE s.id > $2::int ORDER BY s.id LIMIT $3::int
), excess AS MATERIALIZED (
  SELECT r.id FROM place s
  CROSS JOIN LATERAL (
    SELECT c.number FROM run c WHERE c.storage_id = s.id ORDER BY c.number DESC OFFSET $1::int LIMIT 1
  ) cut
  JOIN run r ON r.storage_id = s.id AND r.number <= cut.number
  WHERE r.state NOT IN ('waiting', 'queued', 'running')
    AND EXISTS (SELECT FROM run n WHERE n.storage_id = r.storage_id AND n.number > r.number AND n.kind = r.kind
                                    AND n.state NOT IN ('waiting', 'queued', 'running'))
    AND NOT EXISTS (SELECT FROM issue i WHERE i.run_id = r.id AND i.resolved_at IS NULL)
    AND NOT EXISTS (SELECT FROM delivery d WHERE d.run_id = r.id)
  ORDER BY s.id, r.number LIMIT $4::int
), solved AS MATERIALIZED (
  SELECT i.id FROM excess x JOIN issue i ON i.run_id = x.id LIMIT $5::int
), issue_gone AS (
  DELETE FROM issue i USING solved s WHERE i.id = s.id RETURNING 1
), gone AS (
  -- Not before the last of its issues: the foreign key would delete any number of them in one go.
  DELETE FROM run r USING excess x WHERE r.id = x.id AND (SELECT count(*) FROM solved) < $5::int RETURNING 1
)
SELECT (SELECT count(*) FROM gone)::int AS dropped, (SELECT count(*) FROM place)::int AS storages, (SELECT max(id) FROM place) AS last,
       (SELECT count(*) FROM excess) = $4::int OR (SELECT count(*) FROM solved) = $5::int AS is_more,
       (SELECT count(*) FROM issue_gone)::int AS issues
