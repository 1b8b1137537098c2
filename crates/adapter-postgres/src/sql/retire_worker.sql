DELETE FROM workers
WHERE incarnation = $1
