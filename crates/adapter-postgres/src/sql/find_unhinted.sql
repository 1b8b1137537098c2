-- The first jobs of each of these tenants, in the order that they are to start.
SELECT t.tenant, j.id
FROM unnest($1::text[]) WITH ORDINALITY AS t (tenant, turn)
CROSS JOIN LATERAL (
    SELECT id, attempt, priority, deadline_at
    FROM jobs
    WHERE admitted AND hinted_at IS NULL
        AND tenant = t.tenant
        AND overdue_at > (SELECT assay_now())
    ORDER BY (attempt = 0), priority DESC, deadline_at, id
    LIMIT $2) AS j
ORDER BY t.turn, (j.attempt = 0), j.priority DESC, j.deadline_at, j.id
