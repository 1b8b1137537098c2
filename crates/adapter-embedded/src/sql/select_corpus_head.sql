SELECT
    coalesce(max(generation), 0) AS generation,
    (SELECT document_id FROM corpus_changes WHERE tenant = :tenant AND generation = 1) AS origin
FROM corpus_changes
WHERE tenant = :tenant
