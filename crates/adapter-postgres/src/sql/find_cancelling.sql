SELECT id
FROM jobs
WHERE worker = $1 AND state = 'cancelling' AND state IN ('running', 'cancelling')
