-- Old runs are dropped with their solved issues: the foreign key looks for them by run.
CREATE INDEX CONCURRENTLY issue_run_id_idx ON issue (run_id);
