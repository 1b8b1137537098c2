-- What the job had spent when the attempt began, as JSON: what an attempt spent is what the job had
-- spent when the next one began, less this. Absent from attempts of earlier releases.
ALTER TABLE attempts ADD COLUMN spent_before TEXT;
