UPDATE documents SET
    lease_until = assay_now() + $3::bigint * interval '1 millisecond'
WHERE id = $1 AND epoch = $2 AND lease_until IS NOT NULL
RETURNING id
