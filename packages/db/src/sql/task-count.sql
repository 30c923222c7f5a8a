-- Exact number of tasks of a project, from at most 16 rows. $1 project int. Returns total.
SELECT coalesce(sum(tasks), 0)::float8 AS total FROM project_tally WHERE project_id = $1::int
