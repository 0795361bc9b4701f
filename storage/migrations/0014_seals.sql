-- Over what the row says, under a key of the vault: storage/seals.py. Rows from before are sealed once, at the first opening.
ALTER TABLE organisations ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE campaigns ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE identity_checks ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN mac TEXT NOT NULL DEFAULT '';
