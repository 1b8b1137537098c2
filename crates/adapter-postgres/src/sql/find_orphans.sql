SELECT j.id, j.epoch
FROM jobs AS j
WHERE j.state IN ('running', 'cancelling')
    AND NOT EXISTS (SELECT 1 FROM workers AS w WHERE w.incarnation = j.worker)
LIMIT $1
