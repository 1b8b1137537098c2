UPDATE jobs SET hinted_at = :now
WHERE id = :id AND state IN ('queued', 'retrying')
