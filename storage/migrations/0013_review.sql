-- Who acts for HR, and what was decided (letters มท ๐๔๐๒.๕/ว ๓๕๗๘, พร ๐๐๒๓.๒/ว ๘๗๓).

CREATE INDEX organisations_below ON organisations (parent_code);

CREATE TABLE grants (                      -- a role that an order of the head of the office gave: handlers/organisation/grants.py
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    role TEXT NOT NULL,                    -- handlers/organisation/roles.py
    scope TEXT NOT NULL,                   -- code of an organisation
    below INTEGER NOT NULL,                -- 1: and of those that are subordinate to it
    home TEXT NOT NULL,                    -- code of the person's own organisation by then: a transfer ends the grant
    key_id TEXT NOT NULL,                  -- the person's
    detail TEXT NOT NULL,                  -- sealed: number of the order, who signed it
    order_date TEXT NOT NULL,
    order_file TEXT NOT NULL,              -- files.id: the order, a PDF
    starts_on TEXT NOT NULL,               -- first day
    ends_on TEXT,                          -- last day; null: until it is ended
    granted_by TEXT NOT NULL,              -- as in the audit log
    granted_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_why TEXT,                        -- revoked, transferred, left
    mac TEXT NOT NULL                      -- over all other columns
);
CREATE INDEX grants_of_person ON grants (person_id) WHERE ended_at IS NULL;

CREATE TABLE absences (                    -- an officer's queue is a colleague's for some days
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    colleague_id TEXT NOT NULL REFERENCES people (id),
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,                 -- last day
    made_at BIGINT NOT NULL,
    mac TEXT NOT NULL                      -- over all other columns
);
CREATE INDEX absences_of_person ON absences (person_id);
CREATE INDEX absences_of_colleague ON absences (colleague_id);
CREATE INDEX absences_by_age ON absences (made_at);

CREATE TABLE second_factors (              -- an officer's authenticator: handlers/organisation/factors.py
    person_id TEXT PRIMARY KEY REFERENCES people (id),
    key_id TEXT NOT NULL,
    secret TEXT NOT NULL,                  -- sealed
    step BIGINT NOT NULL,                  -- the last time step of which a code was taken: none is taken twice
    made_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,              -- wrong codes since the last right one
    confirmed_at BIGINT,                   -- null: it was shown, and no code of it has come back yet
    mac TEXT NOT NULL                      -- over all but failures
);

CREATE TABLE officer_sessions (            -- where an officer has proved the second factor: a chat, or a browser at the desk
    id TEXT PRIMARY KEY,                   -- of a chat its account; of a browser the blind index of its cookie
    person_id TEXT NOT NULL REFERENCES people (id),
    account_id TEXT NOT NULL,              -- the chat it was begun from
    session TEXT NOT NULL,                 -- keyed hash of that chat's session: it ends with it
    made_at BIGINT NOT NULL,               -- the first time here
    proved_at BIGINT NOT NULL,             -- the last time
    seen_at BIGINT NOT NULL,
    mac TEXT NOT NULL                      -- over all but seen_at
);
CREATE INDEX officer_sessions_of_person ON officer_sessions (person_id);
CREATE INDEX officer_sessions_of_account ON officer_sessions (account_id);
CREATE INDEX officer_sessions_by_age ON officer_sessions (made_at);

CREATE TABLE verdicts (                    -- one a version of a paper and level: handlers/documents/verdicts.py
    id TEXT PRIMARY KEY,
    paper_id TEXT NOT NULL,                -- it may have been replaced since
    campaign_id TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES people (id),
    slot TEXT NOT NULL,
    version BIGINT NOT NULL,
    level INTEGER NOT NULL,
    content_index TEXT,                    -- of exactly what was seen; null: of "I have no such paper"
    verdict TEXT NOT NULL,                 -- approved, returned, waived
    key_id TEXT NOT NULL,                  -- the owner's
    detail TEXT NOT NULL,                  -- sealed: why it was returned
    until TEXT,                            -- date: send it again until then
    officer_id TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    told_at BIGINT,                        -- when its owner was told
    mac TEXT NOT NULL,                     -- over all but told_at
    UNIQUE (paper_id, version, level)
);
CREATE INDEX verdicts_of_person ON verdicts (person_id);
CREATE INDEX verdicts_of_paper ON verdicts (campaign_id, person_id, slot);
CREATE INDEX verdicts_of_officer ON verdicts (officer_id);

-- Which level of review a paper waits for.
ALTER TABLE papers ADD COLUMN level INTEGER NOT NULL DEFAULT 1;
CREATE INDEX papers_waiting ON papers (submitted_at) WHERE state IN ('submitted', 'waiting');

CREATE TABLE requests (                    -- what HR is asked for in a chat, besides papers and identity checks
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,                    -- help, lock, relink
    account_id TEXT NOT NULL REFERENCES accounts (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    key_id TEXT NOT NULL,                  -- the person's
    detail TEXT NOT NULL,                  -- sealed: what was written, and what was answered
    version BIGINT NOT NULL,               -- grows when something is added: who decides must have seen it
    asked_at BIGINT NOT NULL,
    decided_at BIGINT,
    verdict TEXT,                          -- answered, unlocked, kept, cut_off, refused; replaced: by a later one
    officer_id TEXT,                       -- null where no officer decided it in KP7
    told_at BIGINT                         -- when its answer went to a chat of the person
);
CREATE INDEX requests_open ON requests (asked_at) WHERE decided_at IS NULL;
CREATE INDEX requests_of_person ON requests (person_id);
CREATE INDEX requests_of_account ON requests (account_id);
CREATE INDEX requests_by_age ON requests (decided_at) WHERE decided_at IS NOT NULL;

CREATE TABLE prompts (                     -- when an officer was last told that something waits
    person_id TEXT PRIMARY KEY REFERENCES people (id),
    at BIGINT NOT NULL,
    upto BIGINT NOT NULL                   -- what has been asked until then is told of
);
