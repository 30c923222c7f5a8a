-- How many objects of a run could be claimed now, counted up to $2. $1 run int  $2 limit int. Returns one row: count.
SELECT count(*)::int AS count
FROM (SELECT FROM run r JOIN storage s ON s.id = r.storage_id
      JOIN source_object o ON o.storage_id = s.id AND o.location_version = s.location_version AND o.state = 'pending'
        AND o.next_attempt_at <= statement_timestamp()
      WHERE r.id = $1::int AND r.state = 'running' AND NOT r.cancel_requested AND r.settings_version = s.settings_version
        AND r.kind IN ('sync', 'retry') AND NOT (s.use_blob_urls AND s.provider <> 'redis')
      LIMIT $2::int) x
