-- First statement of every transaction that saves or deletes annotations, and the cure for a lost wish: it holds the project
-- against new targets. $1 project int. Returns id or no row.
-- Creating (or re-enabling) a target takes the same row FOR UPDATE in ITS first statement. The lock must be a statement
-- before the save: a lock taken inside the save statement comes after its snapshot and does not help.
SELECT id FROM project WHERE id = $1::int AND deleted_at IS NULL FOR KEY SHARE
