-- What serving a reference of a task takes: one row per source of its project, in the order of their ids, or one row without source.
-- The data, which may be large, come in the first row alone. $1 task bigint. No row: no such task, or its project is deleted.
SELECT t.project_id AS "projectId", o.storage_id AS "ownStorageId", g.presign_ttl_ceiling_minutes AS "presignTtlCeilingMinutes",
  CASE WHEN row_number() OVER (ORDER BY s.id) = 1 THEN t.data END AS data,
  s.id, s.organization_id AS "organizationId", s.provider, s.settings, s.secrets, s.prefix, s.regex_filter AS "regexFilter",
  s.presign, s.presign_ttl AS "presignTtl", s.restrict_to_prefix AS "restrictToPrefix", s.settings_version AS "settingsVersion"
FROM task t
JOIN project p ON p.id = t.project_id AND p.deleted_at IS NULL
JOIN organization g ON g.id = p.organization_id
LEFT JOIN source_object o ON o.id = t.source_object_id
LEFT JOIN storage s ON s.project_id = p.id AND s.direction = 'source' AND s.deleted_at IS NULL
WHERE t.id = $1::bigint
ORDER BY s.id
