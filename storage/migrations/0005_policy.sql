-- Rules that the office decides, from a day on. Rows are only ever added: what was in force on a day can be told later.
CREATE TABLE policy (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    value TEXT NOT NULL,                   -- JSON
    valid_from TEXT NOT NULL,              -- first day
    valid_until TEXT,                      -- last day; null: until another row takes over
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL
);

CREATE TABLE processes (                   -- who runs on this database just now
    id TEXT PRIMARY KEY,
    reads TEXT NOT NULL,                   -- fingerprints of the master keys it reads; it wraps with the first
    seen_at BIGINT NOT NULL
);
