-- The labels of a job come as one JSON array of texts: unnest takes no arrays of arrays.
INSERT INTO job_inputs (job_id, company_name, labels, submission, retry_of)
SELECT
    n.job_id, n.company_name,
    ARRAY (SELECT json_array_elements_text(n.labels::json)),
    n.submission, n.retry_of
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[])
    AS n (job_id, company_name, labels, submission, retry_of)
