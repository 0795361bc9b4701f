"""Numbered SQL files, applied in order by `Database.migrate`. A file that was released is never changed."""
