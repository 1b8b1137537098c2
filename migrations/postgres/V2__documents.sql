-- The documents that answers are drawn from, from their acceptance on.
CREATE TABLE documents (
    id             uuid        NOT NULL PRIMARY KEY,
    tenant         text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
    company        text        NOT NULL,
    -- The company's name as it is compared (engine::company_key).
    company_key    text        NOT NULL,
    title          text        NOT NULL,
    url            text,
    published_on   text,
    media_type     text        NOT NULL,
    content_sha256 text        NOT NULL,
    bytes          bigint      NOT NULL,
    pages          integer,
    traceparent    text        NOT NULL,
    created_at     timestamptz NOT NULL,
    -- Grows with every claim.
    epoch          bigint      NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    -- When it was claimed first.
    started_at     timestamptz,
    -- Set while somebody holds it.
    lease_until    timestamptz,
    crash_count    integer     NOT NULL DEFAULT 0 CHECK (crash_count >= 0),
    -- The problem of a document that failed, as JSON.
    error          text,
    UNIQUE (tenant, company_key, content_sha256),
    CHECK (lease_until IS NULL OR (state = 'pending' AND started_at IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL))
);

CREATE INDEX documents_of_tenant ON documents (tenant, id);
CREATE INDEX documents_to_read ON documents (tenant, id)
    WHERE state = 'pending' AND lease_until IS NULL;
CREATE INDEX documents_in_hand ON documents (lease_until) INCLUDE (tenant)
    WHERE lease_until IS NOT NULL;
CREATE INDEX documents_begun ON documents (started_at) WHERE state = 'pending';

-- The bytes of documents that are not read yet. What is read is mostly compressed already.
CREATE TABLE document_files (
    document_id uuid  NOT NULL PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    content     bytea NOT NULL
);

ALTER TABLE document_files ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE passages (
    document_id uuid    NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    ordinal     integer NOT NULL,
    page        integer,
    heading     text    NOT NULL,
    -- The lines that name the columns of the table that the passage begins in.
    table_head  text    NOT NULL,
    text        text    NOT NULL,
    PRIMARY KEY (document_id, ordinal)
);

-- How far each tenant's documents have come. A change of them locks this row until it is
-- committed, so that generations have no holes and become visible in their order.
CREATE TABLE corpora (
    tenant     text   NOT NULL PRIMARY KEY,
    generation bigint NOT NULL CHECK (generation >= 1),
    -- The document that generation 1 came with.
    origin     uuid   NOT NULL
);

-- Every change of a tenant's documents, numbered without holes.
CREATE TABLE corpus_changes (
    tenant      text   NOT NULL,
    generation  bigint NOT NULL CHECK (generation >= 1),
    kind        text   NOT NULL CHECK (kind IN ('added', 'removed')),
    document_id uuid   NOT NULL,
    PRIMARY KEY (tenant, generation)
);
