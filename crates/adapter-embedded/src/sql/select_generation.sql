SELECT coalesce(max(generation), 0) AS generation
FROM corpus_changes
WHERE tenant = :tenant
