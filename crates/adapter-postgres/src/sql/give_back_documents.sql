UPDATE documents AS d SET
    lease_until = NULL,
    crash_count = n.crash_count
FROM unnest($1::uuid[], $2::integer[]) AS n (id, crash_count)
WHERE d.id = n.id AND d.state = 'pending'
