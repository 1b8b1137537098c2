UPDATE jobs SET hinted_at = :now, hint_n = hint_n + 1
WHERE id = :id AND state IN ('queued', 'retrying')
