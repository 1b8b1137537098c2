UPDATE jobs SET hinted_at = NULL
WHERE id = :id AND hinted_at IS NOT NULL
