-- Gives a unit back at once (yield after about 10 s, shutdown). $1 run int  $2 number int  $3 epoch int.
-- Returns ok; no row: lost already. The epoch goes up, so a late page of the same worker is refused too.
UPDATE scan_unit SET lease_until = NULL, lease_owner = NULL, lease_epoch = lease_epoch + 1
WHERE run_id = $1::int AND number = $2::int AND lease_epoch = $3::int
RETURNING true AS ok
