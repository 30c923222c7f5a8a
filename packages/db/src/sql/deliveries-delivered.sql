-- Records pushes of one target, many at once. $1 target int  $2 settings_version int (the one the push used)  $3 its
-- location_version int  $4 its can_delete_objects boolean  $5 subject types text[]  $6 subject ids bigint[]  $7 epochs int[]
-- $8 revisions delivered int[]  $9 object keys text[]  $10 etags text[]  $11 bytes of the objects bigint[]
-- Returns subject_id, settled, lag (seconds since the wish, of settled ones); missing ids: the lease was lost, their push does
-- not count: delivery-ambiguous.
-- Still older than wanted, or the target's settings changed meanwhile: due at once. Newest, but an earlier put is of unknown
-- fate: due once more at settle_at. Else settled. A delete at an old place is settled by the settings of that place.
-- A run's delivery leaves its cohort once what the run wanted, or something newer, lies there.
WITH target AS MATERIALIZED (
  SELECT s.id, s.settings_version = $2::int AS is_current, coalesce(s.can_delete_objects, false) = $4::boolean AS same_delete
  FROM storage s WHERE s.id = $1::int
), pushed AS MATERIALIZED (
  SELECT p.*, t.id AS target_id, t.is_current, t.same_delete
  FROM unnest($5::text[], $6::bigint[], $7::int[], $8::int[], $9::text[], $10::text[], $11::bigint[])
    AS p (subject_type, subject_id, epoch, revision, object_key, etag, bytes) CROSS JOIN target t
), held AS MATERIALIZED (
  SELECT d.subject_type, d.subject_id,
         CASE WHEN d.old_place IS NOT NULL THEN d.old_place = $3::int
              ELSE p.is_current AND (d.wanted_op = 'put' OR p.same_delete) END AS is_current
  FROM delivery d JOIN pushed p ON d.target_id = p.target_id AND d.subject_type = p.subject_type AND d.subject_id = p.subject_id
  WHERE d.lease_epoch = p.epoch AND d.lease_owner IS NOT NULL AND d.state <> 'ended'
  ORDER BY d.subject_type, d.subject_id FOR NO KEY UPDATE OF d
)
UPDATE delivery d
SET delivered_revision = greatest(d.delivered_revision, p.revision), settings_version = $2::int, place_version = $3::int,
    object_key = p.object_key, etag = p.etag, object_bytes = p.bytes, last_error_code = NULL, last_error = NULL, attempts = 0, lease_owner = NULL,
    lease_epoch = d.lease_epoch + 1, delivered_at = clock_timestamp(),
    state = CASE WHEN d.wanted_revision <= p.revision AND h.is_current THEN 'delivered' ELSE 'pending' END,
    due_at = CASE WHEN d.wanted_revision <= p.revision AND h.is_current THEN d.settle_at ELSE statement_timestamp() END,
    old_place = CASE WHEN d.wanted_revision <= p.revision AND h.is_current AND d.settle_at IS NULL THEN NULL ELSE d.old_place END,
    marked_only = CASE WHEN d.wanted_revision <= p.revision AND h.is_current THEN false ELSE d.marked_only END,
    run_id = CASE WHEN coalesce(d.run_revision, d.wanted_revision) <= p.revision AND h.is_current THEN NULL ELSE d.run_id END
FROM pushed p JOIN held h ON h.subject_type = p.subject_type AND h.subject_id = p.subject_id
WHERE d.target_id = p.target_id AND d.subject_type = p.subject_type AND d.subject_id = p.subject_id
RETURNING d.subject_id, d.due_at IS NULL AS settled, extract(epoch FROM clock_timestamp() - d.wanted_at)::float8 AS lag
