-- Over all other columns, under a key of the vault: a row that KP7 did not write counts for nothing. Rows from before have
-- none: set them again.
ALTER TABLE policy ADD COLUMN mac TEXT NOT NULL DEFAULT '';
