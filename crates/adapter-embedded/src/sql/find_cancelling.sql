SELECT id
FROM jobs
WHERE worker = :worker AND state = 'cancelling' AND state IN ('running', 'cancelling')
