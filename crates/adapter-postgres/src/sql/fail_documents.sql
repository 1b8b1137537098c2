WITH failed AS (
    UPDATE documents AS d SET
        state = 'failed',
        error = n.error,
        lease_until = NULL
    FROM unnest($1::uuid[], $2::text[]) AS n (id, error)
    WHERE d.id = n.id AND d.state = 'pending'
    RETURNING d.id
)
DELETE FROM document_files AS f
USING failed
WHERE f.document_id = failed.id
