UPDATE documents
SET lease_until = NULL, crash_count = :crash_count
WHERE id = :id AND state = 'pending'
