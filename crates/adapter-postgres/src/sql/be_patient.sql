-- For the rest of the transaction. Tens of megabytes take their time, on the wire as on the disk,
-- and while a statement is on its way the session counts as idle. Nothing is locked before it has
-- arrived.
SELECT
    set_config('statement_timeout', '60s', true),
    set_config('idle_in_transaction_session_timeout', '60s', true),
    set_config('lock_timeout', '10s', true)
