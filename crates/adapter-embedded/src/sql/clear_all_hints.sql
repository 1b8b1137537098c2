UPDATE jobs SET hinted_at = NULL, hint_n = 0
WHERE hinted_at IS NOT NULL
