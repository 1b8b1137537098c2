UPDATE jobs SET hinted_at = NULL, hint_n = max(hint_n - 1, 0)
WHERE id = :id AND hinted_at IS NOT NULL
