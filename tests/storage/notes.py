"""Something to write and to read, where it does not matter what."""

from storage.database import Database


async def note(database: Database, subject: str) -> None:
    async with database.write() as tx:
        await tx.run("INSERT INTO attempts (kind, subject, at) VALUES ('test', :subject, 1)", {"subject": subject})


async def subjects(database: Database) -> list[str]:
    async with database.read() as tx:
        return [row["subject"] for row in await tx.all("SELECT subject FROM attempts ORDER BY subject")]
