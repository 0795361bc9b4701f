-- Whoever deletes a key, a person or an account makes the database look for what still refers to it: without these, each
-- time through the whole table.
CREATE INDEX people_by_key ON people (key_id);
CREATE INDEX accounts_by_key ON accounts (key_id);
CREATE INDEX emails_of_person ON emails (person_id);
CREATE INDEX identity_checks_of_account ON identity_checks (account_id);
