-- Before the columns of a target change that say where it is: deletes that wait keep the place they belong to, with its settings and
-- secrets, and are finished there. After project-lock and storage-lock. $1 target int. Returns kept int.
WITH old AS MATERIALIZED (
  SELECT s.* FROM storage s WHERE s.id = $1::int AND s.direction = 'target'
), kept AS (
  UPDATE delivery d SET old_place = o.location_version
  FROM old o
  WHERE d.target_id = o.id AND d.due_at IS NOT NULL AND d.wanted_op = 'delete' AND d.state <> 'ended' AND d.old_place IS NULL
    AND d.object_key IS NOT NULL AND d.place_version = o.location_version
  RETURNING 1
), place AS (
  INSERT INTO target_place (target_id, location_version, organization_id, settings_version, provider, settings, secrets, title, prefix,
                            subject, key_template, json_extension, can_delete_objects)
  SELECT o.id, o.location_version, o.organization_id, o.settings_version, o.provider, o.settings, o.secrets, o.title, o.prefix,
         o.subject, o.key_template, o.json_extension, coalesce(o.can_delete_objects, false)
  FROM old o WHERE EXISTS (SELECT FROM kept)
  ON CONFLICT (target_id, location_version) DO NOTHING
)
SELECT count(*)::int AS kept FROM kept
