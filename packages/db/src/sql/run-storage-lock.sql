-- The same lock for a transaction that knows the run: first statement of failing or canceling one. $1 run int.
-- Returns storage_id or no row.
SELECT s.id AS storage_id FROM run r JOIN storage s ON s.id = r.storage_id WHERE r.id = $1::int FOR NO KEY UPDATE OF s
