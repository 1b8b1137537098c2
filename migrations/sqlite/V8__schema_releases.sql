-- Which form this is: what each release made of it, from its first migration on. A program serves
-- its own release's form and the next one's, and cannot know how many migrations the next one has;
-- so the first migration of each release says so here.
CREATE TABLE schema_releases (
    release   INTEGER NOT NULL PRIMARY KEY CHECK (release >= 1),
    migration INTEGER NOT NULL CHECK (migration >= 1)
) STRICT;

INSERT INTO schema_releases (release, migration) VALUES (1, 1), (2, 8);
