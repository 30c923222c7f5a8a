-- Asks a run to stop. After run-storage-lock, before run-finish and run-promote. $1 run int.
-- Returns state: canceled when it had only waited; queued or running when somebody has to end it (run-finish does at once when
-- no worker holds anything of it). No row: the run is over.
UPDATE run
SET cancel_requested = true, state = CASE state WHEN 'waiting' THEN 'canceled' ELSE state END,
    finished_at = CASE state WHEN 'waiting' THEN clock_timestamp() END,
    error_code = CASE state WHEN 'waiting' THEN 'canceled' END,
    error_message = CASE state WHEN 'waiting' THEN 'the run was canceled before it began' END
WHERE id = $1::int AND state IN ('waiting', 'queued', 'running')
RETURNING state
