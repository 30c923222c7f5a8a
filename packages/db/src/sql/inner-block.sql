-- Takes a block of inner ids. Its own short transaction: the row lock lasts for this statement only.
-- $1 project int   $2 how many int. Returns base (use base … base + n - 1). Unused ids are gaps. No row: no such project.
INSERT INTO project_counter AS c (organization_id, project_id, next_inner_id)
SELECT p.organization_id, p.id, 1 + $2::int FROM project p WHERE p.id = $1::int
ON CONFLICT (project_id) DO UPDATE SET next_inner_id = c.next_inner_id + $2::int
RETURNING c.next_inner_id - $2::int AS base
