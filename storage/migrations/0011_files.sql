-- What people handed in. The bytes lie in the object store (FILES_URL) under the file's id, sealed (storage/frames.py).
CREATE TABLE files (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    key_id TEXT NOT NULL,                  -- the person's; what it was sealed with
    bytes BIGINT NOT NULL,
    put_at BIGINT NOT NULL,
    held INTEGER NOT NULL DEFAULT 0        -- 1: something refers to it; what nothing has held for a day is dropped
);
CREATE INDEX files_of_person ON files (person_id);
CREATE INDEX files_unheld ON files (put_at) WHERE held = 0;

CREATE TABLE files_gone (                  -- objects that are still to be deleted, and of which nothing else is known
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);
CREATE INDEX files_gone_by_age ON files_gone (at);
