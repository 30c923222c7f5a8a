-- First statement of every transaction that makes a target or changes where, how or whether one is written: it waits for saves under
-- way and holds new ones back, so that each of them is seen by the first sync or sees the target. $1 project int. Returns id or no row.
SELECT id FROM project WHERE id = $1::int AND deleted_at IS NULL FOR UPDATE
