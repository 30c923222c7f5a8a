-- Which keys other targets of the organisation name at places of theirs. $1 target ids int[]  $2 keys text[] (one each)
-- Returns n int, the positions (from 1) that are named. What a target wrote once and left for good (it moved) is not named.
SELECT g.n::int AS n
FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS g (target_id, key, n)
WHERE EXISTS (
  SELECT FROM delivery d JOIN storage s ON s.id = d.target_id AND s.deleted_at IS NULL
  WHERE d.object_key = g.key AND d.target_id = g.target_id AND d.place_version = s.location_version OFFSET 0)
