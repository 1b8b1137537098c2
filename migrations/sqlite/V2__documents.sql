-- The documents that answers are drawn from.
CREATE TABLE documents (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant         TEXT    NOT NULL,
    -- The generation that it came with: a tenant's documents are listed in this order.
    generation     INTEGER NOT NULL CHECK (generation >= 1),
    company        TEXT    NOT NULL,
    -- The company's name as it is compared (engine::company_key).
    company_key    TEXT    NOT NULL,
    title          TEXT    NOT NULL,
    url            TEXT,
    published_on   TEXT,
    content_sha256 TEXT    NOT NULL,
    bytes          INTEGER NOT NULL,
    pages          INTEGER,
    created_at     INTEGER NOT NULL,
    UNIQUE (tenant, generation),
    UNIQUE (tenant, company_key, content_sha256)
) STRICT;

CREATE TABLE passages (
    document_id BLOB    NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    ordinal     INTEGER NOT NULL,
    page        INTEGER,
    heading     TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (document_id, ordinal)
) STRICT, WITHOUT ROWID;

-- Every change of a tenant's documents, numbered without holes: the generation is the newest.
CREATE TABLE corpus_changes (
    tenant      TEXT    NOT NULL,
    generation  INTEGER NOT NULL CHECK (generation >= 1),
    kind        TEXT    NOT NULL CHECK (kind IN ('added', 'removed')),
    document_id BLOB    NOT NULL CHECK (length(document_id) = 16),
    PRIMARY KEY (tenant, generation)
) STRICT, WITHOUT ROWID;

CREATE INDEX corpus_changes_of_document ON corpus_changes (document_id);
