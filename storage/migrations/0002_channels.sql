-- By the platform's clock: an event that comes late must not answer what was asked after it.
ALTER TABLE accounts ADD COLUMN event_at BIGINT NOT NULL DEFAULT 0;

-- 0: this person has blocked the bot, nothing reaches them here.
ALTER TABLE accounts ADD COLUMN reachable INTEGER NOT NULL DEFAULT 1;

CREATE TABLE tallies (                     -- what limits count for everybody together
    kind TEXT NOT NULL,
    minute BIGINT NOT NULL,                -- minutes since 1970
    n BIGINT NOT NULL,
    PRIMARY KEY (kind, minute)
);

-- 0: whoever tried this row last knows that the other side has not taken it. 1: nobody knows.
ALTER TABLE outbox ADD COLUMN unsure INTEGER NOT NULL DEFAULT 1;

-- When a row was first due: a retry moves due_at, and would hide how long somebody has been waiting.
ALTER TABLE outbox ADD COLUMN wanted_at BIGINT;
CREATE INDEX outbox_wanted ON outbox (wanted_at) WHERE dead_at IS NULL;

CREATE INDEX accounts_of_nobody ON accounts (seen_at) WHERE person_id IS NULL AND session IS NULL;
