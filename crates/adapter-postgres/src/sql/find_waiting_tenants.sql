-- Those of the tenants that have a due job without a hint.
SELECT t.tenant
FROM unnest($1::text[]) AS t (tenant)
WHERE (
    SELECT true FROM jobs AS j
    WHERE j.tenant = t.tenant AND j.admitted AND j.hinted_at IS NULL
        AND j.overdue_at > (SELECT assay_now())
    LIMIT 1)
