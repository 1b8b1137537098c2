-- Each time that a job's hint was taken in vain doubles the wait, from :first_ms up to :max_ms. The
-- first line is what the index can tell.
SELECT id
FROM jobs
WHERE hinted_at <= :now - :first_ms
    AND hinted_at <= :now - min(:first_ms << min(max(hint_n - 1, 0), 20), :max_ms)
    AND overdue_at > :now
ORDER BY hinted_at, id
LIMIT :limit
