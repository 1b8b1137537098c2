SELECT DISTINCT worker
FROM jobs
WHERE state IN ('running', 'cancelling')
