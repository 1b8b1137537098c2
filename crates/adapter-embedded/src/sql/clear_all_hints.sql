UPDATE jobs SET hinted_at = NULL
WHERE hinted_at IS NOT NULL
