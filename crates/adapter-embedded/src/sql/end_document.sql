UPDATE documents
SET state = :state, pages = :pages, error = :error, lease_until = NULL
WHERE id = :id AND state = 'pending'
