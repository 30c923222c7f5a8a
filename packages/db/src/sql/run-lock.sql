-- First statement of the transaction that ends a run: when the run looks finished it holds the storage row, so that no sync
-- request and no change of settings falls between ending it and promoting the waiting one.
-- $1 run int. Returns storage_id: go on with run-finish, then run-promote. No row: something is listing, pending or leased, or
-- the run is over. Call it in a transaction of its own AFTER the last page or load batch has committed: inside that transaction
-- two last workers would not see one another's work and neither would finish.
SELECT s.id AS storage_id
FROM run r JOIN storage s ON s.id = r.storage_id
WHERE r.id = $1::int AND r.state IN ('queued', 'running') AND s.direction = 'source'
  AND ((NOT EXISTS (SELECT FROM scan_unit g WHERE g.run_id = r.id AND g.state <> 'done')
        AND (r.kind = 'dry_run' OR (s.use_blob_urls AND s.provider <> 'redis')
             OR NOT EXISTS (SELECT FROM source_object o WHERE o.storage_id = s.id AND o.location_version = s.location_version AND o.state = 'pending')))
    OR r.cancel_requested)
FOR NO KEY UPDATE OF s
