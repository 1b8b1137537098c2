-- Those of the tenants that have a due job without a hint.
SELECT t.tenant
FROM unnest($1::text[]) AS t (tenant)
WHERE EXISTS (
    SELECT 1 FROM jobs AS j
    WHERE j.tenant = t.tenant AND j.admitted AND j.hinted_at IS NULL
        AND j.overdue_at > (SELECT assay_now()))
