-- In which chats an ID was typed, whoever's it is: what was said there is sealed, and must be found when they are erased.
CREATE TABLE typed_ids (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id_index TEXT NOT NULL,                -- blind index of the ID
    at BIGINT NOT NULL,
    PRIMARY KEY (account_id, id_index)
);
CREATE INDEX typed_ids_of ON typed_ids (id_index);
CREATE INDEX typed_ids_by_age ON typed_ids (at);
