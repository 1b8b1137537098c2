-- What all gateways of the fleet know and its clients do not.
CREATE TABLE secrets (
    name  text  NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

-- Two random ids have 244 random bits.
INSERT INTO secrets (name, value)
VALUES ('ticket_key', sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea));
