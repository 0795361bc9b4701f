-- What limits count for everybody together: each process counts in rows of its own, or they would queue up for one row.
CREATE TABLE tallies_by_part (
    kind TEXT NOT NULL,
    minute BIGINT NOT NULL,                -- minutes since 1970
    part BIGINT NOT NULL,                  -- a process
    n BIGINT NOT NULL,
    PRIMARY KEY (kind, minute, part)
);
INSERT INTO tallies_by_part (kind, minute, part, n) SELECT kind, minute, 0, n FROM tallies;
DROP TABLE tallies;
ALTER TABLE tallies_by_part RENAME TO tallies;
