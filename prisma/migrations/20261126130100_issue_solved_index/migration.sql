-- Solved issues are dropped after a while, the oldest first.
CREATE INDEX CONCURRENTLY issue_solved ON issue (resolved_at) WHERE resolved_at IS NOT NULL;
