SELECT value
FROM secrets
WHERE name = 'ticket_key'
