UPDATE documents SET lease_until = NULL
WHERE id = $1 AND epoch = $2 AND lease_until IS NOT NULL
