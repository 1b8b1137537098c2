SELECT p.job_id, p.version, p.kind, p.time, p.attempt, p.data
FROM (
    SELECT e.job_id, e.version, e.kind, e.time, e.attempt, e.data,
        octet_length(e.data) AS bytes,
        sum(octet_length(e.data)) OVER (ORDER BY e.version ROWS UNBOUNDED PRECEDING) AS bytes_so_far
    FROM events AS e
    WHERE e.job_id = $1 AND e.version > $2
    ORDER BY e.version
    LIMIT $3
) AS p
WHERE p.bytes_so_far <= $4 OR p.bytes_so_far = p.bytes
ORDER BY p.version
