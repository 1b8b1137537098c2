UPDATE documents
SET lease_until = :lease_until
WHERE id = :id AND epoch = :epoch AND lease_until IS NOT NULL
