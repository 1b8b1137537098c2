UPDATE documents
SET epoch = :epoch, started_at = :started_at, lease_until = :lease_until
WHERE id = :id AND state = 'pending' AND lease_until IS NULL AND epoch = :epoch - 1
