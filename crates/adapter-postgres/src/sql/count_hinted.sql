-- Counts up to the limit only: what is beyond it changes nothing.
SELECT count(*) AS hinted
FROM (SELECT 1 FROM jobs WHERE hinted_at IS NOT NULL LIMIT $1) AS h
