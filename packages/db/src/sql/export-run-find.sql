-- A run of a target as it stands now. $1 run int. Returns one row or none.
SELECT r.number, r.kind, r.state, r.cancel_requested, CASE WHEN r.marking_done THEN NULL ELSE r.marked_up_to END AS marked_up_to,
       coalesce((r.options->>'only_changed')::boolean, false) AS only_changed, s.id AS target_id
FROM run r JOIN storage s ON s.id = r.storage_id AND s.direction = 'target'
WHERE r.id = $1::int
