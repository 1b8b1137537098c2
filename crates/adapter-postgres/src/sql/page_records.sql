-- With the length of each log: a page ends where its logs would be too long together.
SELECT j.id, (SELECT count(*) FROM events AS e WHERE e.job_id = j.id) AS events
FROM jobs AS j
WHERE j.id > $1
ORDER BY j.id
LIMIT $2
