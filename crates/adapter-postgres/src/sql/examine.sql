SELECT
    current_setting('server_version') AS server_version,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('max_connections')::integer AS connections_max,
    (
        SELECT count(*)::integer FROM pg_stat_activity WHERE backend_type = 'client backend'
    ) AS connections,
    clock_timestamp() AS now
