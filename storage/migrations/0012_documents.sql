-- Papers for the electronic record (letter มท ๐๔๐๒.๕/ว ๓๕๗๘).

CREATE TABLE campaigns (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,                    -- documents
    name TEXT NOT NULL,
    upstream_due TEXT NOT NULL,            -- date: when the office must have handed on what it got
    due TEXT NOT NULL,                     -- date: when people must have handed in
    late_days INTEGER NOT NULL,            -- who is listed later has so many days from then on, if that is more
    options TEXT NOT NULL,                 -- JSON: handlers/documents/rules.py
    made_at BIGINT NOT NULL,
    closed_at BIGINT
);

CREATE TABLE listed (                      -- who owes papers
    campaign_id TEXT NOT NULL REFERENCES campaigns (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    listed_on TEXT NOT NULL,               -- date
    due TEXT NOT NULL,                     -- date: this person's own
    PRIMARY KEY (campaign_id, person_id)
);
CREATE INDEX listed_people ON listed (person_id);

CREATE TABLE families (                    -- what people answered about who there is to send papers of
    person_id TEXT PRIMARY KEY REFERENCES people (id),
    key_id TEXT NOT NULL,
    answers TEXT NOT NULL,                 -- sealed
    at BIGINT NOT NULL
);

CREATE TABLE signatures (
    person_id TEXT PRIMARY KEY REFERENCES people (id),
    key_id TEXT NOT NULL,
    strokes TEXT NOT NULL,                 -- sealed
    at BIGINT NOT NULL
);

CREATE TABLE papers (                      -- one row a paper that somebody has in hand or has handed in
    id TEXT PRIMARY KEY,
    campaign_id TEXT NOT NULL REFERENCES campaigns (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    slot TEXT NOT NULL,                    -- handlers/documents/rules.py
    version BIGINT NOT NULL,               -- grows whenever the files change: what was begun on an older one is too late
    state TEXT NOT NULL,                   -- handlers/documents/rules.py
    certified TEXT NOT NULL,               -- '', hand (signed on paper), phone (stamped by us)
    key_id TEXT NOT NULL,                  -- the person's
    file_id TEXT,                          -- the PDF as it came, cleaned; null: "I have no such paper"
    stamped_id TEXT,                       -- the PDF with the mark
    preview_id TEXT,                       -- JPEG of page 1 of what HR will see
    detail TEXT NOT NULL,                  -- sealed: handlers/documents/store.py
    content_index TEXT,                    -- blind index of the sha256 of what was submitted
    at BIGINT NOT NULL,
    submitted_at BIGINT,
    UNIQUE (campaign_id, person_id, slot)
);
CREATE INDEX papers_of_person ON papers (person_id);

CREATE TABLE pages (                       -- what was sent for a paper, before and while it is made of it
    id TEXT PRIMARY KEY,
    campaign_id TEXT NOT NULL REFERENCES campaigns (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    slot TEXT NOT NULL,
    chat_id TEXT NOT NULL,                 -- the account it came from
    reference TEXT NOT NULL,               -- the channel's own name for it, by which it can be taken back
    state TEXT NOT NULL,                   -- fetching, ready, refused, bound (its paper is made)
    kind TEXT NOT NULL,                    -- '' as long as nobody has looked, photo, pdf
    key_id TEXT NOT NULL,
    file_id TEXT,
    preview_id TEXT,
    content_index TEXT,                    -- blind index of the sha256 of what came
    detail TEXT NOT NULL,                  -- sealed
    at BIGINT NOT NULL
);
CREATE INDEX pages_of_person ON pages (person_id, campaign_id, slot);
CREATE INDEX pages_sent ON pages (chat_id, reference);

CREATE TABLE page_links (                  -- pages that are opened from the chat: bot/page_links.py
    id TEXT PRIMARY KEY,                   -- blind index of what stands in the address
    account_id TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES people (id),
    session TEXT NOT NULL,                 -- keyed hash of the chat's session: it ends with it
    purpose TEXT NOT NULL,                 -- which page
    about TEXT NOT NULL,                   -- JSON: what of it
    browser TEXT,                          -- blind index of the cookie of the first that opened it
    browser_mac TEXT,                      -- over id and browser
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    mac TEXT NOT NULL                      -- over all but browser and browser_mac
);
CREATE INDEX page_links_by_age ON page_links (expires_at);
CREATE INDEX page_links_of_account ON page_links (account_id);
