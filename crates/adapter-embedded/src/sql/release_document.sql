UPDATE documents
SET lease_until = NULL
WHERE id = :id AND epoch = :epoch AND lease_until IS NOT NULL
