-- Who has read or changed somebody else's personal data or rights. No personal data in it: people are ids.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,       -- 1, 2, 3 … without a gap
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,                   -- the channel and the name: cli:malee
    action TEXT NOT NULL,
    subject TEXT,                          -- a person's id, where it concerns one
    detail TEXT NOT NULL,                  -- JSON
    mac TEXT NOT NULL                      -- over the line before and all of this one
);
CREATE INDEX audit_of_subject ON audit (subject, seq) WHERE subject IS NOT NULL;
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE audit_head (                  -- one row: where the log ends, so that nothing can be cut off there
    id INTEGER PRIMARY KEY,
    seq BIGINT NOT NULL,
    last TEXT NOT NULL,                    -- mac of that line
    mac TEXT NOT NULL                      -- over seq and last, in a context of its own
);

CREATE TABLE audit_anchors (               -- what has been told to somebody off this machine
    destination TEXT PRIMARY KEY,          -- keyed hash of the path or address
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL
);
