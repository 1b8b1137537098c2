-- Documents are accepted before they are read, and their passages know the head of their table.
--
-- SQLite cannot change a column, so both tables are made anew. The old passages go before the old
-- documents do: their reference would take the new ones with it.
CREATE TABLE documents_v3 (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant         TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
    company        TEXT    NOT NULL,
    -- The company's name as it is compared (engine::company_key).
    company_key    TEXT    NOT NULL,
    title          TEXT    NOT NULL,
    url            TEXT,
    published_on   TEXT,
    media_type     TEXT    NOT NULL,
    content_sha256 TEXT    NOT NULL,
    bytes          INTEGER NOT NULL,
    pages          INTEGER,
    traceparent    TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    -- Grows with every claim.
    epoch          INTEGER NOT NULL CHECK (epoch >= 0),
    -- When it was claimed first.
    started_at     INTEGER,
    -- Set while somebody holds it.
    lease_until    INTEGER,
    crash_count    INTEGER NOT NULL CHECK (crash_count >= 0),
    -- The problem of a document that failed, as JSON.
    error          TEXT,
    UNIQUE (tenant, company_key, content_sha256),
    CHECK (lease_until IS NULL OR (state = 'pending' AND started_at IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL))
) STRICT;

CREATE TABLE passages_v3 (
    document_id BLOB    NOT NULL REFERENCES documents_v3 (id) ON DELETE CASCADE,
    ordinal     INTEGER NOT NULL,
    page        INTEGER,
    heading     TEXT    NOT NULL,
    -- The lines that name the columns of the table that the passage begins in.
    table_head  TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (document_id, ordinal)
) STRICT, WITHOUT ROWID;

INSERT INTO documents_v3 (
    id, tenant, state, company, company_key, title, url, published_on, media_type, content_sha256,
    bytes, pages, traceparent, created_at, epoch, crash_count
)
SELECT
    id, tenant, 'ready', company, company_key, title, url, published_on,
    -- What it was is not known any more; nobody reads it again.
    'text/plain', content_sha256, bytes, pages,
    '00-00000000000000000000000000000001-0000000000000001-00', created_at, 0, 0
FROM documents;

INSERT INTO passages_v3 (document_id, ordinal, page, heading, table_head, text)
SELECT document_id, ordinal, page, heading, '', text
FROM passages;

DROP TABLE passages;
DROP TABLE documents;
ALTER TABLE documents_v3 RENAME TO documents;
ALTER TABLE passages_v3 RENAME TO passages;

CREATE INDEX documents_of_tenant ON documents (tenant, id);
CREATE INDEX documents_to_read ON documents (tenant, id)
    WHERE state = 'pending' AND lease_until IS NULL;
CREATE INDEX documents_in_hand ON documents (tenant, lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX documents_begun ON documents (started_at) WHERE state = 'pending';

-- The bytes of documents that are not read yet.
CREATE TABLE document_files (
    document_id BLOB NOT NULL PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    content     BLOB NOT NULL
) STRICT;
