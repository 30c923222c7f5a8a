-- Service tokens have a name, and do less than their member: read, write (all that the role may do) or media alone.
ALTER TABLE api_token ADD COLUMN name text;
ALTER TABLE api_token ADD COLUMN scope text CHECK (scope IN ('read', 'write', 'media'));
