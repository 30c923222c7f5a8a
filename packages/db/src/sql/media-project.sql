-- What serving a reference under a project takes: one row per source, in the order of their ids, or one row without source.
-- $1 project int. No row: no such project, or it is deleted.
SELECT p.id AS "projectId", g.presign_ttl_ceiling_minutes AS "presignTtlCeilingMinutes",
  s.id, s.organization_id AS "organizationId", s.provider, s.settings, s.secrets, s.prefix, s.regex_filter AS "regexFilter",
  s.presign, s.presign_ttl AS "presignTtl", s.restrict_to_prefix AS "restrictToPrefix", s.settings_version AS "settingsVersion"
FROM project p
JOIN organization g ON g.id = p.organization_id
LEFT JOIN storage s ON s.project_id = p.id AND s.direction = 'source' AND s.deleted_at IS NULL
WHERE p.id = $1::int AND p.deleted_at IS NULL
ORDER BY s.id
