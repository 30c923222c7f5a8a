-- Comparing what a target holds with its deliveries. Only additions: the version before this one works with it.

-- Bytes of the object that was put last; NULL: put before this column was there.
ALTER TABLE delivery ADD COLUMN object_bytes bigint;

-- Of a comparison: pages that are compared, the token of the next one, whether the listing is at its end, and objects seen.
ALTER TABLE run
  ADD COLUMN compare_page   int NOT NULL DEFAULT 0,
  ADD COLUMN compare_cursor text,
  ADD COLUMN compare_listed boolean NOT NULL DEFAULT false,
  ADD COLUMN compared       bigint NOT NULL DEFAULT 0;

-- Subjects whose object a comparison has met so far; what has no mark at the end of the listing is missing.
CREATE TABLE reconcile_mark (
  run_id          int NOT NULL,
  subject_id      bigint NOT NULL,
  organization_id int NOT NULL,
  PRIMARY KEY (run_id, subject_id),
  FOREIGN KEY (organization_id, run_id) REFERENCES run (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE reconcile_mark ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconcile_mark FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON reconcile_mark USING (organization_id = (SELECT nullif(current_setting('app.organization_id', true), '')::int)
  OR (SELECT current_setting('app.scope', true) = 'maintenance'));
