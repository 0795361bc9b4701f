-- How the schedule stands in a process that runs it: JSON, see bot/standing.py. Empty: it runs none.
ALTER TABLE processes ADD COLUMN schedule TEXT NOT NULL DEFAULT '';
