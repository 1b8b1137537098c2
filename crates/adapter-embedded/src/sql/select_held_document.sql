SELECT tenant
FROM documents
WHERE id = :id AND epoch = :epoch AND lease_until IS NOT NULL
