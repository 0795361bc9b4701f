"""What people hand in on the web chat: kept, sealed with their key, before the event that tells of it.

Only whoever is logged in hands in anything. A file that no question wants goes with the turn that hears of it; one
whose event was taken before is held by nothing and goes after a day.
"""

from collections.abc import Callable

from starlette.requests import Request

from bot.fetching import Gone, TooMuch
from bot.http import TooLarge, patient, told
from bot.outbox import Undelivered
from bot.policy import Policy
from bot.session import Limits
from storage import chats, people
from storage.database import Database, Row, retried
from storage.files import Bounds, Crowded, Files, let_go
from storage.objects import Missing, Unstored
from storage.vault import Key, Tampered, Vault

FILE_LIMIT = 20 * 1024 * 1024
SLOWEST = 128 * 1024  # bytes a second: a phone far from town
UNHELD_MOST = 60
UNHELD_BYTES = 300 * 1024 * 1024


class LoggedOut(Exception):
    """Nobody is known at this chat."""


class Unmeasured(Exception):
    """It does not say how long it is."""


class TooMany(Exception):
    """This person has handed in a lot that nothing holds yet."""


class Uploads:
    def __init__(
        self, database: Database, vault: Vault, policy: Policy, files: Files, clock: Callable[[], int]
    ) -> None:
        self._database, self._vault, self._policy, self._files = database, vault, policy, files
        self._clock = clock

    async def keep(self, external_id: str, request: Request) -> tuple[str, int]:
        """→ the file's id, its bytes. Raises `objects.Unstored`; and `LoggedOut`, `TooMany`, `Unmeasured` and
        `bot.http.TooLarge`, before it reads the body."""
        person, key = await self._whose(external_id)
        size = told(request)
        if size is None:
            raise Unmeasured
        if size > FILE_LIMIT:
            raise TooLarge
        patient(request.scope, size / SLOWEST)
        # twice as many as are taken: of those it is the chat that says so
        bounds = Bounds(UNHELD_MOST, UNHELD_BYTES, 2 * self._policy.settings.files_per_day)
        try:
            return await self._files.receive(person, key, request.stream(), size, self._clock(), bounds), size
        except Crowded:
            raise TooMany from None
        except KeyError:
            raise LoggedOut from None  # erased in this very moment

    @retried
    async def let_go(self, reference: str) -> None:
        """What it was sent for had happened before."""
        async with self._database.write() as tx:
            await let_go(tx, [reference], self._clock())

    async def fetch(self, reference: str, key: Key, most: int) -> bytes:
        """See `bot.fetching`; only for the person whose key it is."""
        async with self._database.read() as tx:
            row = await tx.one(
                "SELECT bytes FROM files WHERE id = :id AND key_id = :key", {"id": reference, "key": key.id}
            )
        if row is None:
            raise Gone("there is no such upload", permanent=True)
        if row["bytes"] > most:
            raise TooMuch
        try:
            return await self._files.get(reference, key)
        except (Missing, Tampered) as error:
            raise Gone(f"the upload does not open ({type(error).__name__})", permanent=True) from None
        except Unstored as error:
            raise Undelivered(str(error)) from None

    async def _whose(self, external_id: str) -> tuple[str, Key]:
        async with self._database.read() as tx:
            row = await tx.one(_WHOSE, {"external_id": external_id})
            if row is None or not lives(self._vault, self._policy, row, self._clock()):
                raise LoggedOut
            if row["unheld"] >= UNHELD_MOST or row["unheld_bytes"] >= UNHELD_BYTES:
                raise TooMany
            try:  # a key is a person's if it opens their record: the table alone could name another
                return row["person_id"], (await people.by_id(tx, self._vault, row["person_id"])).key
            except (KeyError, Tampered):
                raise LoggedOut from None


def lives(vault: Vault, policy: Policy, account: Row, now: int) -> bool:
    """Is this row of `accounts`, of the web chat, logged in: by us, and not too long ago?"""
    if not account["session"]:
        return False
    limits = Limits.of(policy.settings, "web", shared=bool(account["shared"]))
    return not limits.over(account["seen_at"], account["session_at"], now) and chats.genuine(vault, account)


_WHOSE = """
SELECT a.*,
       (SELECT COUNT(*) FROM files f WHERE f.person_id = p.id AND f.held = 0) AS unheld,
       (SELECT COALESCE(SUM(f.bytes), 0) FROM files f WHERE f.person_id = p.id AND f.held = 0) AS unheld_bytes
FROM accounts a JOIN people p ON p.id = a.person_id
WHERE a.channel = 'web' AND a.external_id = :external_id
"""
