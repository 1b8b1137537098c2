-- Everything of the job goes with its row: ON DELETE CASCADE.
DELETE FROM jobs
WHERE id = :id
