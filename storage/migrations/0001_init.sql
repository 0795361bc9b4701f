-- Times are milliseconds since 1970 UTC, dates are ISO text. What is marked sealed is opened by storage/vault.py only.

CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    wrapped TEXT NOT NULL                  -- a data key under the master key; deleting it erases all it sealed
);

CREATE TABLE organisations (
    code TEXT PRIMARY KEY,
    parent_code TEXT,
    type TEXT NOT NULL,
    name_th TEXT NOT NULL,
    name_en TEXT NOT NULL,
    province TEXT NOT NULL,
    district TEXT NOT NULL
);
CREATE INDEX organisations_by_name ON organisations (name_th);

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
    id_index TEXT NOT NULL UNIQUE,         -- blind index of the 13-digit ID
    profile TEXT NOT NULL,                 -- sealed: ID, names, birth date, position
    contact TEXT NOT NULL,                 -- sealed: telephone, fax
    organisation_code TEXT,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    appointed_on TEXT,
    transferred_in_on TEXT,
    retires_on TEXT,
    card_hash TEXT,                        -- keyed hash of the laser code, where a roster brought one
    wrong_codes INTEGER NOT NULL DEFAULT 0,-- wrong codes in a row, over all chats
    fingerprint TEXT NOT NULL,             -- keyed hash of the imported row: an unchanged row is left alone
    updated_at BIGINT NOT NULL
);

CREATE TABLE emails (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    address TEXT NOT NULL,                 -- sealed
    source TEXT NOT NULL,
    effective_on TEXT NOT NULL,            -- single sign-on works from this day
    added_at BIGINT NOT NULL,
    replaced_at BIGINT
);
CREATE UNIQUE INDEX emails_current ON emails (person_id) WHERE replaced_at IS NULL;

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    external_id TEXT NOT NULL,
    key_id TEXT NOT NULL REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
    language TEXT NOT NULL,
    person_id TEXT REFERENCES people (id),
    session TEXT,                          -- random; null when logged out
    session_at BIGINT,
    confirmed_at BIGINT,                   -- last time a mailed code was entered here (step-up)
    seen_at BIGINT NOT NULL DEFAULT 0,
    shared INTEGER NOT NULL DEFAULT 0,     -- a phone that several people use
    staff_group TEXT,
    notice TEXT,                           -- version of the privacy notice that was acknowledged, and when
    notice_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (channel, external_id)
);
CREATE UNIQUE INDEX accounts_one_per_person ON accounts (person_id, channel) WHERE person_id IS NOT NULL;
CREATE INDEX accounts_shared ON accounts (seen_at) WHERE shared = 1 AND session IS NOT NULL;
CREATE INDEX accounts_on_the_web ON accounts (seen_at) WHERE channel = 'web' AND session IS NOT NULL;

CREATE TABLE conversations (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id),
    session TEXT,
    seen_at BIGINT NOT NULL,
    state TEXT NOT NULL                    -- sealed
);
CREATE INDEX conversations_by_age ON conversations (seen_at);

CREATE TABLE inbox (
    channel TEXT NOT NULL,
    event_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (channel, event_id)
);
CREATE INDEX inbox_by_age ON inbox (received_at);

CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    lane TEXT NOT NULL,                    -- rows of one lane go in order
    kind TEXT NOT NULL,                    -- a channel's name, mail, notice, event, verify
    account_id TEXT,
    person_id TEXT,
    purpose TEXT NOT NULL,                 -- reply, code, … : what may cancel or replace it
    key_id TEXT NOT NULL,
    body TEXT NOT NULL,                    -- sealed
    due_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    dead_at BIGINT,
    reason TEXT
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE dead_at IS NULL;
CREATE INDEX outbox_lane ON outbox (lane, id) WHERE dead_at IS NULL;
CREATE INDEX outbox_account ON outbox (account_id, purpose);

CREATE TABLE chat_messages (               -- what the web chat shows
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    key_id TEXT NOT NULL,
    body TEXT NOT NULL,                    -- sealed
    at BIGINT NOT NULL
);
CREATE INDEX chat_messages_by_account ON chat_messages (account_id, id);
CREATE INDEX chat_messages_by_age ON chat_messages (at);

CREATE TABLE codes (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    purpose TEXT NOT NULL,
    address_index TEXT NOT NULL,
    reference TEXT NOT NULL,
    hash TEXT NOT NULL,                    -- keyed
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    guesses INTEGER NOT NULL DEFAULT 0,
    ended_at BIGINT,
    outcome TEXT                           -- used, saved, spent; replaced, guessed
);
CREATE INDEX codes_of_account ON codes (account_id, purpose);
CREATE INDEX codes_by_age ON codes (expires_at);

CREATE TABLE attempts (                    -- what limits count
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX attempts_of ON attempts (kind, subject, at);
CREATE INDEX attempts_by_age ON attempts (at);

CREATE TABLE identity_checks (             -- HR confirms in person
    id TEXT PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    person_id TEXT REFERENCES people (id),
    id_index TEXT NOT NULL,
    key_id TEXT NOT NULL,
    claim TEXT NOT NULL,                   -- sealed: what was typed
    why TEXT NOT NULL,
    waits TEXT,                            -- flow, key and attempt that wait for the verdict
    asked_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    verdict TEXT
);
CREATE INDEX identity_checks_open ON identity_checks (asked_at) WHERE decided_at IS NULL;
